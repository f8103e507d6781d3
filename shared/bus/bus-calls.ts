import { AppError } from "../errors.ts";
import type { Topic } from "./bus.ts";
import { sendInParts, type SendOptions } from "./send-in-parts.ts";

/** What the calls of every bus share: topics are created once, failures become AppErrors. */
export class BusCalls {
  readonly #createTopic: (topic: Topic) => Promise<void>;
  readonly #ensured = new Map<string, Promise<void>>();
  #closed = false;

  constructor(createTopic: (topic: Topic) => Promise<void>) {
    this.#createTopic = createTopic;
  }

  /**
   * Runs `call` once the topic exists: creates it, unless that was done since the last failure. So
   * a call also fails fast when the bus is unavailable.
   * @throws {AppError} the one that `call` throws, else `unavailable`
   */
  async run<Result>(topic: Topic, what: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError("unavailable", `Cannot ${what}: the bus is closed`);
    try {
      const ensured = this.#ensured.get(topic.name) ?? this.#createTopic(topic);
      this.#ensured.set(topic.name, ensured);
      await ensured;
      return await call();
    } catch (error) {
      // The topic may have been deleted, so the next call checks it again.
      this.#ensured.clear();
      if (error instanceof AppError) throw error;
      throw new AppError("unavailable", `Cannot ${what}`, { cause: error });
    }
  }

  ensureTopic(topic: Topic): Promise<void> {
    return this.run(topic, `create ${topic.name}`, () => Promise.resolve());
  }

  /** @throws as {@link run} and {@link sendInParts} do */
  async publish(topic: Topic, options: SendOptions): Promise<void> {
    const { length } = options.messages;
    if (length === 0) return;
    await this.run(
      topic,
      `publish ${length} messages to ${topic.name}`,
      () => sendInParts(options),
    );
  }

  /** Rejects every further call; returns false if it was closed before. */
  close(): boolean {
    const wasOpen = !this.#closed;
    this.#closed = true;
    return wasOpen;
  }
}
