import { AppError } from "../errors.ts";

/**
 * A message as a publisher hands it over. Its strings are well-formed Unicode without U+0000 (JSON
 * text never holds one); the key is not empty.
 */
export interface OutgoingMessage {
  /** Messages of one key are delivered in the order in which they were published. */
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** A message as a handler receives it. */
export interface IncomingMessage extends OutgoingMessage {
  /** Where it lies, for logs and dead letters, as the bus names it. */
  readonly position: string;
  /** 1 at the first delivery that this bus knows of; it grows with each further one. */
  readonly attempt: number;
}

/**
 * A header that names, comma separated, the earlier messages of the same key that the bus refused for
 * good, by their `ce_id`: a reader that counts knows them not to be lost.
 */
export const REFUSED_BEFORE = "refused_before";

/** A topic with what must exist before anybody publishes, so that no message is published to nobody. */
export interface Topic {
  readonly name: string;
  /** Each group receives every message. */
  readonly groups: readonly string[];
  readonly deadLetterQueue: string;
}

/** Thrown by a handler for a message that no retry can help: it goes to the dead letters at once. */
export class UnreadableMessageError extends Error {
  override readonly name = "UnreadableMessageError";
}

/** A message that the bus will never take as it is (too large, say): another try changes nothing. */
export interface RefusedMessage {
  /** Its place in the list that was published. */
  readonly index: number;
  readonly reason: string;
}

/** Of the first `tried` messages of the list the bus has taken all but those refused. */
export class MessagesRefusedError extends AppError {
  readonly refused: readonly RefusedMessage[];
  /** The messages behind these were not sent: too many had been refused. */
  readonly tried: number;

  constructor(refused: readonly RefusedMessage[], tried: number) {
    super("invalid_argument", `${refused.length} of ${tried} messages were refused for good`);
    this.refused = refused;
    this.tried = tried;
  }
}

export interface SubscribeOptions {
  readonly topic: Topic;
  readonly group: string;
  /**
   * Called for several keys at once, for one message of a key at a time. Resolving acknowledges the
   * message. A throw has it delivered again after a backoff, without end, while later messages of
   * its key wait and other keys go on; {@link UnreadableMessageError} sends it to the dead letters
   * with the reason, and its key moves on.
   */
  readonly handle: (message: IncomingMessage) => Promise<void>;
}

export interface Subscription {
  /**
   * Rejects when the subscription has ended by itself for good, so that the process should leave;
   * never resolves. Nobody needs to listen.
   */
  readonly failed: Promise<never>;
  /** Takes no more messages, waits for the handlers under way and acknowledges what they did. */
  close(): Promise<void>;
}

/** Carries messages between processes, at least once, in order per key. */
export interface Bus {
  /** Creates what the topic needs, or brings it up to date. Publishing and subscribing do it too. */
  ensureTopic(topic: Topic): Promise<void>;
  /**
   * Resolves when the bus has taken all of them durably, and returns at once for none. Rejects with
   * AppError `unavailable` when it may have taken all, some (in order) or none of them, and with
   * {@link MessagesRefusedError} when it has taken others and will never take these. The order of
   * two calls with one key is theirs only if the second starts after the first has resolved.
   */
  publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void>;
  /**
   * Joins the group; rejects with AppError `unavailable` when the bus cannot be reached. Once it
   * has resolved, the subscription outlives every outage of the bus.
   */
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /**
   * How many messages of the topic the group is not done with, some seconds ago at most. Rejects
   * with AppError `unavailable` when the bus cannot tell.
   */
  lag(topic: Topic, group: string): Promise<number>;
  /** Up to `max` dead letters of a topic, oldest first, for people. They stay. */
  readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]>;
  /**
   * Publishes up to `max` dead letters again, oldest first, as they were before, and removes them;
   * resolves with how many. Dying in between publishes them once more at the next call.
   */
  replayDeadLetterQueue(topic: Topic, max: number): Promise<number>;
  /** Closes the subscriptions, then the connection. */
  close(): Promise<void>;
}

/** A message that a handler gave up, as it was, with the reason and the place where it lay. */
export interface DeadLetter extends OutgoingMessage {
  readonly reason: string;
  readonly position: string;
}

/** The value of `messaging.system`: what carries the messages. */
export type BusSystem = "kafka" | "pg-boss";
