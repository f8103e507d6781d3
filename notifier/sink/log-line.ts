import type { RequestContext } from "../../shared/async/request-context.ts";
import { createLogger, type LogFormat } from "../../shared/telemetry/log.ts";
import type { Notification, Sink } from "../domain/deps.ts";

/** What a notification is written to; process.stdout is one. */
export interface LineOutput {
  write(text: string, done: (error?: Error | null) => void): unknown;
}

export interface LogLineSinkOptions {
  /** Without one: readable on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  readonly output: LineOutput;
}

/** Prints each notification as one log line. The lines are the service's work: no level hides them. */
export function createLogLineSink({ format, output }: LogLineSinkOptions): Sink {
  let line = "";
  const log = createLogger({
    service: "notifier",
    level: "info",
    format,
    write: (text) => line = text,
  });
  return {
    show(notification: Notification, context: RequestContext) {
      const { orderId: order_id, userId: user_id, status, seq, at } = notification;
      log.info(`order is ${status}`, { order_id, user_id, status, seq, at }, context);
      const text = line;
      return new Promise<void>((resolve, reject) => {
        output.write(text, (error) => error ? reject(error) : resolve());
      });
    },
  };
}
