import type { IncomingMessage, OutgoingMessage } from "../bus.ts";

/** The messages that handlers received, in order, for tests. */
export class Inbox {
  readonly messages: IncomingMessage[] = [];
  readonly #waiting = new Set<{ readonly isEnough: () => boolean; readonly resolve: () => void }>();

  /** A handler that records and acknowledges a message. */
  readonly take = (message: IncomingMessage): Promise<void> => {
    this.messages.push(message);
    for (const waiter of this.#waiting) {
      if (!waiter.isEnough()) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
    return Promise.resolve();
  };

  /** Resolves as soon as `count` messages (of `key`) have arrived. */
  holds(count: number, key?: string): Promise<void> {
    const isEnough = () => this.#of(key).length >= count;
    if (isEnough()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.add({ isEnough, resolve }));
  }

  values(key?: string): string[] {
    return this.#of(key).map(({ value }) => value);
  }

  #of(key?: string): IncomingMessage[] {
    return key === undefined ? this.messages : this.messages.filter((each) => each.key === key);
  }
}

/** Blocks handlers until a test opens it. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => this.open = resolve);
  }
}

export function message(key: string, value: string): OutgoingMessage {
  return { key, value, headers: {} };
}

/** `perKey` messages for each of `keys` keys, round-robin; values count from 0. */
export function messagesInTurn(keys: number, perKey: number): OutgoingMessage[] {
  return Array.from(
    { length: keys * perKey },
    (_, index) => message(`key-${index % keys}`, String(Math.floor(index / keys))),
  );
}

/** The values 0, 1, 2 … that {@link messagesInTurn} creates for each key. */
export function countedUpTo(count: number): string[] {
  return Array.from({ length: count }, (_, index) => String(index));
}
