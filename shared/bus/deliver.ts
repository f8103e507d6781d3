import type { Logger } from "../telemetry/log.ts";
import { type IncomingMessage, type SubscribeOptions, UnreadableMessageError } from "./bus.ts";
import type { Watchdog } from "./watchdog.ts";

export interface Delivery extends SubscribeOptions {
  readonly log: Logger;
  readonly watchdog: Watchdog;
}

/** "waiting": a message of the same key failed before. */
export type Outcome = "handled" | "failed" | "waiting";

/**
 * Passes messages to the handler, and the unreadable ones to `deadLetter`, by index. Never rejects.
 */
export async function deliver(
  { handle, topic, group, log, watchdog }: Delivery,
  messages: readonly IncomingMessage[],
  deadLetter: (index: number, reason: string) => Promise<void>,
): Promise<Outcome[]> {
  const fieldsOf = ({ key, position, attempt }: IncomingMessage) => ({
    messaging_destination_name: topic.name,
    messaging_consumer_group_name: group,
    ...{ position, key, attempt },
  });
  const failures = new Map(
    await watchdog.handle(() => handle(messages)).catch((error: unknown) =>
      messages.keys().map((index): [number, unknown] => [index, error])
    ),
  );
  for (const [index, error] of failures) {
    if (!(error instanceof UnreadableMessageError)) continue;
    try {
      await deadLetter(index, error.message);
      failures.delete(index);
      log.error("message moved to the dead-letter queue", {
        ...fieldsOf(messages[index] as IncomingMessage),
        ...{ dead_letters: topic.deadLetterQueue, reason: error.message },
      });
    } catch (failure) {
      failures.set(index, failure);
    }
  }
  const stopped = new Set<string>();
  return messages.map((message, index) => {
    if (stopped.has(message.key)) return "waiting";
    if (!failures.has(index)) return "handled";
    stopped.add(message.key);
    const error = failures.get(index);
    log.warn("message will be redelivered", { ...fieldsOf(message), error });
    return "failed";
  });
}
