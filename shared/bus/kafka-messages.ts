import type { KafkaMessage, Message } from "kafkajs";
import type { DeadLetter, IncomingMessage, OutgoingMessage } from "./bus.ts";

/** The headers that a message gains in the dead-letter queue: the reason and its position. */
const REASON = "dead_letter_reason";
const PLACE = ["dead_letter_topic", "dead_letter_partition", "dead_letter_offset"] as const;

/** Topic, partition and offset. */
export type Place = readonly [topic: string, partition: number, offset: string];

export function toKafka({ key, value, headers }: OutgoingMessage): Message {
  return { key, value, headers: { ...headers } };
}

/** The message as a handler receives it. A missing key or value, from other producers, is empty. */
export function fromKafka(message: KafkaMessage, place: Place, attempt: number): IncomingMessage {
  return { ...contentOf(message), position: place.join("/"), attempt };
}

export function keyOf(message: Message): string {
  return message.key?.toString() ?? "";
}

/** The message for the dead-letter queue, its bytes unchanged. */
export function toDeadLetter(message: KafkaMessage, place: Place, reason: string): Message {
  const { key, value, headers } = message;
  const added = Object.fromEntries(PLACE.map((name, index) => [name, String(place[index])]));
  return { key, value, headers: { ...headers, [REASON]: reason, ...added } };
}

export function fromDeadLetter(message: KafkaMessage): DeadLetter {
  const { headers } = contentOf(message);
  const position = PLACE.map((name) => headers[name] ?? "").join("/");
  return { ...contentOf(withoutDeadLetter(message)), reason: headers[REASON] ?? "", position };
}

/** The original message of a dead letter, its bytes unchanged. */
export function withoutDeadLetter({ key, value, headers: all }: KafkaMessage): Message {
  const headers = { ...all };
  for (const name of [REASON, ...PLACE]) delete headers[name];
  return { key, value, headers };
}

/** Takes the first value of a repeated header. */
function contentOf(message: Message): OutgoingMessage {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) headers[name] = first.toString();
  }
  return { key: keyOf(message), value: message.value?.toString() ?? "", headers };
}
