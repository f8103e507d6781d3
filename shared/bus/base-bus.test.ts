import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { MessagesRefusedError, type OutgoingMessage } from "./bus.ts";
import { sendInParts } from "./base-bus.ts";
import { message } from "./test/inbox.ts";

/** A bus that stores or rejects a whole request; it rejects those with a `bad` value. */
function refusingBus(bad: (value: string) => boolean) {
  const requests: string[][] = [];
  const taken: string[] = [];
  const send = (part: readonly OutgoingMessage[]) => {
    const values = part.map(({ value }) => value);
    requests.push(values);
    if (values.some(bad)) return Promise.reject(new Error("too large"));
    taken.push(...values);
    return Promise.resolve();
  };
  const refusalOf = (error: unknown) =>
    (error as Error).message === "too large" ? "too large" : undefined;
  const publish = (values: readonly string[], countMax = 500, charactersMax = 1_000) =>
    sendInParts({
      messages: values.map((value) => message("k", value)),
      countMax,
      charactersMax,
      send,
      refusalOf,
    });
  return { requests, taken, publish };
}

const numbers = (count: number) => Array.from({ length: count }, (_, index) => String(index));

test("requests keep their limits; a large message is sent alone", async () => {
  const bus = refusingBus(() => false);
  await bus.publish(["1", "2", "3", "x".repeat(40), "4"], 2, 20);
  expect(bus.requests).toEqual([["1", "2"], ["3"], ["x".repeat(40)], ["4"]]);
});

test("rejected messages are isolated, and the others are sent in order", async () => {
  const bus = refusingBus((value) => ["3", "4", "99"].includes(value));
  const error = await bus.publish(numbers(100)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MessagesRefusedError);
  expect(error).toMatchObject({
    tried: 100,
    refused: [3, 4, 99].map((index) => ({ index, reason: "too large" })),
  });
  expect(bus.taken).toEqual(numbers(100).filter((value) => !["3", "4", "99"].includes(value)));
});

test("later messages of a key name its earlier rejected ones", async () => {
  const sent: OutgoingMessage[] = [];
  const messages = [["a", "1"], ["b", "1"], ["a", "2"], ["a", "3"], ["b", "2"]].map((
    [key = "", ce_id = ""],
  ) => ({ key, value: "", headers: { ce_id, ...(ce_id === "3" && { refused_before: "0" }) } }));
  const failing = sendInParts({
    messages,
    countMax: 500,
    charactersMax: 1_000,
    send(part) {
      const bad = part.some(({ key, headers }) => key === "a" && headers["ce_id"] !== "3");
      if (bad) return Promise.reject(new Error("too large"));
      sent.push(...part);
      return Promise.resolve();
    },
    refusalOf: () => "too large",
  });
  await expect(failing).rejects.toBeInstanceOf(MessagesRefusedError);
  expect(sent.map(({ key, headers }) => [key, headers])).toEqual([
    ["b", { ce_id: "1" }],
    ["a", { ce_id: "3", refused_before: "0,1,2" }],
    ["b", { ce_id: "2" }],
  ]);
});

test("after many rejections the rest is left to the next call", async () => {
  const bus = refusingBus(() => true);
  const error = await bus.publish(numbers(100)).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(MessagesRefusedError);
  const { refused, tried } = error as MessagesRefusedError;
  expect(refused.map(({ index }) => index)).toEqual(numbers(20).map(Number));
  expect(tried).toBe(20);
});

test("any other error rejects the call unchanged", async () => {
  const failure = new AppError("unavailable", "down");
  await expect(sendInParts({
    messages: [message("k", "0")],
    countMax: 10,
    charactersMax: 10,
    send: () => Promise.reject(failure),
    refusalOf: () => undefined,
  })).rejects.toBe(failure);
});
