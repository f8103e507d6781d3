import { type IncomingMessage, type SubscribeOptions, UnreadableMessageError } from "../bus.ts";

/** A handler that handles single messages: several keys at once, each up to its first failure. */
export function eachMessage(
  handle: (message: IncomingMessage) => Promise<void>,
): SubscribeOptions["handle"] {
  return async (messages) => {
    const failures = new Map<number, unknown>();
    const keys = Map.groupBy(messages.entries(), ([, { key }]) => key);
    await Promise.all([...keys.values()].map(async (queue) => {
      for (const [index, message] of queue) {
        try {
          await handle(message);
        } catch (error) {
          failures.set(index, error);
          if (!(error instanceof UnreadableMessageError)) return;
        }
      }
    }));
    return failures;
  };
}
