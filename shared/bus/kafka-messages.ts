import type { IHeaders, KafkaMessage, Message } from "kafkajs";
import type { DeadLetter, IncomingMessage, OutgoingMessage } from "./bus.ts";

/** The headers that a message gains in the dead-letter queue. */
const DEAD_LETTER_HEADERS = {
  reason: "dead_letter_reason",
  topic: "dead_letter_topic",
  partition: "dead_letter_partition",
  offset: "dead_letter_offset",
} as const;

export interface Place {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
}

export function toKafka({ key, value, headers }: OutgoingMessage): Message {
  return { key, value, headers: { ...headers } };
}

/** The message as a handler receives it. A missing key or value, from other producers, is empty. */
export function fromKafka(message: KafkaMessage, place: Place, attempt: number): IncomingMessage {
  return { ...contentOf(message), position: positionOf(place), attempt };
}

export function positionOf({ topic, partition, offset }: Place): string {
  return `${topic}/${partition}/${offset}`;
}

export function keyOf(message: KafkaMessage): string {
  return message.key?.toString() ?? "";
}

/** The message for the dead-letter queue, its bytes unchanged. */
export function toDeadLetter(message: KafkaMessage, place: Place, reason: string): Message {
  return {
    key: message.key,
    value: message.value,
    headers: {
      ...message.headers,
      [DEAD_LETTER_HEADERS.reason]: reason,
      [DEAD_LETTER_HEADERS.topic]: place.topic,
      [DEAD_LETTER_HEADERS.partition]: String(place.partition),
      [DEAD_LETTER_HEADERS.offset]: place.offset,
    },
  };
}

export function fromDeadLetter(message: KafkaMessage): DeadLetter {
  const { key, value, headers: all } = contentOf(message);
  const headers = { ...all };
  const take = (name: string) => {
    const text = headers[name] ?? "";
    delete headers[name];
    return text;
  };
  const reason = take(DEAD_LETTER_HEADERS.reason);
  const topic = take(DEAD_LETTER_HEADERS.topic);
  const partition = take(DEAD_LETTER_HEADERS.partition);
  const offset = take(DEAD_LETTER_HEADERS.offset);
  return { key, value, headers, reason, position: `${topic}/${partition}/${offset}` };
}

/** The original message of a dead letter, its bytes unchanged. */
export function withoutDeadLetter({ key, value, headers: all }: KafkaMessage): Message {
  const headers = { ...all };
  for (const name of Object.values(DEAD_LETTER_HEADERS)) delete headers[name];
  return { key, value, headers };
}

function contentOf(message: KafkaMessage): OutgoingMessage {
  return {
    key: keyOf(message),
    value: message.value?.toString() ?? "",
    headers: headersOf(message.headers ?? {}),
  };
}

/** Takes the first value of a repeated header. */
function headersOf(headers: IHeaders): Record<string, string> {
  const entries: [string, string][] = [];
  for (const [name, value] of Object.entries(headers)) {
    const first = Array.isArray(value) ? value[0] : value;
    if (first !== undefined) entries.push([name, first.toString()]);
  }
  return Object.fromEntries(entries);
}
