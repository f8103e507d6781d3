import { AppError } from "../errors.ts";
import type { Topic } from "./bus.ts";

/** What is alike around the calls of every bus: topics made ready once, failures in one form. */
export class BusCalls {
  readonly #createTopic: (topic: Topic) => Promise<void>;
  readonly #ensured = new Map<string, Promise<void>>();
  #closed = false;

  constructor(createTopic: (topic: Topic) => Promise<void>) {
    this.#createTopic = createTopic;
  }

  /** Makes the topic ready, unless that was done since the last failure. */
  ensure(topic: Topic): Promise<void> {
    const known = this.#ensured.get(topic.name);
    if (known) return known;
    const ensured = this.#createTopic(topic);
    this.#ensured.set(topic.name, ensured);
    return ensured;
  }

  /** @throws {AppError} as `call` throws it, else `unavailable` */
  async reach<Result>(what: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError("unavailable", `Cannot ${what}: the bus is closed`);
    try {
      return await call();
    } catch (error) {
      // Whatever went wrong, the next call starts from the beginning.
      this.#ensured.clear();
      if (error instanceof AppError) throw error;
      throw new AppError("unavailable", `Cannot ${what}`, { cause: error });
    }
  }

  /** Refuses every further call; false when that was so before. */
  close(): boolean {
    const wasOpen = !this.#closed;
    this.#closed = true;
    return wasOpen;
  }
}
