import { AppError } from "../errors.ts";

/** The value of `messaging.system`: the product that carries the messages. */
export type BusSystem = "kafka" | "pg-boss";

/**
 * A message to publish. Its strings are well-formed Unicode without U+0000 (JSON text never
 * contains one); the key is not empty.
 */
export interface OutgoingMessage {
  /** Messages of one key are delivered in the order in which they were published. */
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as a handler receives it. */
export interface IncomingMessage extends OutgoingMessage {
  /** Identifies the message on this bus, for logs and the dead-letter queue. */
  readonly position: string;
  /** 1 at the first recorded delivery; it grows with each further one. */
  readonly attempt: number;
}

/** A message of the dead-letter queue, unchanged, with the reason and its original position. */
export interface DeadLetter extends OutgoingMessage {
  readonly reason: string;
  readonly position: string;
}

/**
 * A header with the `ce_id`s, comma separated, of earlier messages of the same key that the bus
 * rejected permanently. A consumer that detects gaps does not count them as lost.
 */
export const REFUSED_BEFORE = "refused_before";

/** A topic and its groups, which exist before the first publish: no group misses a message. */
export interface Topic {
  readonly name: string;
  /** Each group receives every message. */
  readonly groups: readonly string[];
  readonly deadLetterQueue: string;
}

/** Thrown by a handler for a message that it can never process: the bus dead-letters it at once. */
export class UnreadableMessageError extends Error {
  override readonly name = "UnreadableMessageError";
}

/** A message that the bus rejects permanently, for example because it is too large. */
export interface RefusedMessage {
  /** Its index in the published list. */
  readonly index: number;
  readonly reason: string;
}

/** The bus has stored the first `tried` messages of the list, except those in `refused`. */
export class MessagesRefusedError extends AppError {
  readonly refused: readonly RefusedMessage[];
  /** Later messages were not sent, because too many had been rejected. */
  readonly tried: number;

  constructor(refused: readonly RefusedMessage[], tried: number) {
    super("invalid_argument", `${refused.length} of ${tried} messages were rejected permanently`);
    this.refused = refused;
    this.tried = tried;
  }
}

export interface SubscribeOptions {
  readonly topic: Topic;
  readonly group: string;
  /**
   * Handles messages that arrived together, those of a key in order, and resolves with the
   * failures; a rejection fails all messages. Concurrent calls never share a key. The bus
   * acknowledges handled messages and redelivers failed ones after a backoff, without limit. A
   * handler stops a key at its first failure: later messages of the key are redelivered after the
   * failed one, even if they were handled. A failed key is redelivered in a separate call. An
   * {@link UnreadableMessageError} moves its message to the dead-letter queue with the reason, and
   * the key continues.
   */
  readonly handle: (messages: readonly IncomingMessage[]) => Promise<Failures>;
}

/** The messages of a list that failed: the error of each, by index. */
export type Failures = ReadonlyMap<number, unknown>;

export interface Subscription {
  /**
   * Rejects when the subscription has failed permanently and the process should exit; never
   * resolves. It may be left unhandled.
   */
  readonly failed: Promise<never>;
  /** Takes no more messages, waits for running handlers and acknowledges what they processed. */
  close(): Promise<void>;
}

/** Carries messages between processes, at least once, in order per key. */
export interface Bus {
  /** Creates what the topic needs, or updates it. `publish` and `subscribe` do the same. */
  ensureTopic(topic: Topic): Promise<void>;
  /**
   * Resolves when the bus has stored all messages durably; returns at once for none. Rejects with
   * AppError `unavailable` when it may have stored all, some (in order) or none of them, and with
   * {@link MessagesRefusedError} when it has stored some and rejects the others permanently. Two
   * calls with one key are ordered only if the second starts after the first has resolved.
   */
  publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void>;
  /**
   * Joins the group; rejects with AppError `unavailable` when the bus cannot be reached. Once it
   * has resolved, the subscription survives every outage of the bus.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /**
   * The number of messages of the topic that the group has not processed, as of a few seconds ago
   * at most. Rejects with AppError `unavailable` when the bus cannot be reached.
   */
  lag(topic: Topic, group: string): Promise<number>;
  /** Up to `max` messages of the topic's dead-letter queue, oldest first. They stay in it. */
  readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]>;
  /**
   * Publishes up to `max` messages of the dead-letter queue again, oldest first and unchanged, and
   * removes them; resolves with their number. If the process dies in between, the next call
   * publishes them once more.
   */
  replayDeadLetterQueue(topic: Topic, max: number): Promise<number>;
  /** Closes the subscriptions, then the connection. */
  close(): Promise<void>;
}
