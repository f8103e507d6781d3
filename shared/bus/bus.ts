/** A message as a publisher hands it over. */
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
  /** 1 at the first delivery that this bus knows of. */
  readonly attempt: number;
}

/** A topic with what must exist before anybody publishes, so that no message is published to nobody. */
export interface Topic {
  readonly name: string;
  /** Each group receives every message once. */
  readonly groups: readonly string[];
  readonly deadLetters: string;
}

/** Thrown by a handler for a message that no retry can help: it goes to the dead letters at once. */
export class UnreadableMessageError extends Error {
  override readonly name = "UnreadableMessageError";
}

export interface SubscribeOptions {
  readonly topic: Topic;
  readonly group: string;
  /**
   * Resolving acknowledges the message. A throw has it delivered again after a backoff, without
   * end, while later messages of its key wait; {@link UnreadableMessageError} sends it to the dead
   * letters with the reason, and its key moves on.
   */
  readonly handle: (message: IncomingMessage) => Promise<void>;
}

export interface Subscription {
  /** Takes no more messages, waits for the handlers under way and acknowledges what they did. */
  close(): Promise<void>;
}

/**
 * Carries messages between processes, at least once, in order per key.
 */
export interface Bus {
  /** Creates what the topic needs, or checks it where it exists. */
  ensureTopic(topic: Topic): Promise<void>;
  /** Resolves when the bus has taken all of them durably; rejects when it may not have. */
  publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void>;
  subscribe(options: SubscribeOptions): Promise<Subscription>;
  /** The dead letters of a topic, oldest first, for people and replay. */
  readDeadLetters(topic: Topic, max: number): Promise<readonly DeadLetter[]>;
  close(): Promise<void>;
}

export interface DeadLetter {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly reason: string;
  readonly position: string;
}
