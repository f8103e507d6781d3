import { Buffer } from "node:buffer";
import type { KafkaMessage } from "kafkajs";
import { expect, test } from "vitest";
import { fromDeadLetter, fromKafka, toDeadLetter } from "./kafka-messages.ts";

const PLACE = ["events", 2, "41"] as const;
const RECORD = { offset: "41", timestamp: "0", attributes: 0 };

test("fromKafka() reads messages of other producers", () => {
  const headers = { twice: [Buffer.from("one"), Buffer.from("two")], none: undefined };
  const foreign: KafkaMessage = { ...RECORD, key: null, value: null, headers };
  expect(fromKafka(foreign, PLACE, 3)).toEqual({
    key: "",
    value: "",
    headers: { twice: "one" },
    position: "events/2/41",
    attempt: 3,
  });
});

test("a dead-lettered message keeps its bytes and has its position and the reason", () => {
  const value = Buffer.from([0xff, 0x00]);
  const headers = { traceparent: Buffer.from("00-1-2-01") };
  const message: KafkaMessage = { ...RECORD, key: Buffer.from("a"), value, headers };
  const letter = toDeadLetter(message, PLACE, "not JSON");
  expect(letter.value).toBe(value);
  expect(letter.headers).toEqual({
    ...headers,
    dead_letter_reason: "not JSON",
    dead_letter_topic: "events",
    dead_letter_partition: "2",
    dead_letter_offset: "41",
  });
  const found = { ...RECORD, key: message.key, value, headers: letter.headers ?? {} };
  expect(fromDeadLetter(found)).toMatchObject({
    key: "a",
    headers: { traceparent: "00-1-2-01" },
    reason: "not JSON",
    position: "events/2/41",
  });
});
