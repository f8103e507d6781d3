import type { EndReason } from "../../proto/order-status.ts";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { createLogger, type LogFormat } from "../../shared/telemetry/log.ts";
import { childTraceparent, observed, type Tracing } from "../../shared/telemetry/tracing.ts";
import type { Notification, Sink } from "../domain/deps.ts";

/** The end of the sentence that begins with the status. */
const REASON_TEXTS: Readonly<Record<EndReason, string>> = {
  buyer: " by its buyer",
  payment_timeout: ": it was not payed in time",
  out_of_stock: ": out of stock",
};

/** The destination of notifications, such as process.stdout. */
export interface LineOutput {
  write(text: string, done: (error?: Error | null) => void): unknown;
}

export interface LogLineSinkOptions {
  /** By default readable on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  readonly output: LineOutput;
  readonly tracing: Tracing;
}

/**
 * Prints each notification as one log line, in a span of its own if its trace is sampled. The lines
 * are the service's output, so no log level hides them.
 */
export function createLogLineSink({ format, output, tracing }: LogLineSinkOptions): Sink {
  let line = "";
  const log = createLogger({
    service: "notifier",
    level: "info",
    format,
    write: (text) => line = text,
  });
  const print = (notification: Notification, context: RequestContext) => {
    const { orderId: order_id, userId: user_id, status, seq, at, reason } = notification;
    const fields = { order_id, user_id, status, seq, at, ...(reason && { reason }) };
    log.info(`order is ${status}${reason ? REASON_TEXTS[reason] : ""}`, fields, context);
    const text = line;
    return new Promise<void>((resolve, reject) => {
      output.write(text, (error) => error ? reject(error) : resolve());
    });
  };
  return {
    show(notification, context) {
      const { traceparent: parent, clock } = context;
      if (!tracing.isSampled(parent)) return print(notification, context);
      const traceparent = childTraceparent(parent);
      const attributes = { "marketplace.order.status": notification.status };
      return observed(() => print(notification, context.withTraceparent(traceparent)), {
        clock,
        span: {
          ...{ tracing, traceparent, parent, name: "show notification", kind: "internal" },
          describe: (error) => ({ attributes, error }),
        },
      });
    },
  };
}
