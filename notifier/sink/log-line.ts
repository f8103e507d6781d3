import type { EndReason } from "../../proto/order-status.ts";
import { createLogger, type LogFormat } from "../../shared/telemetry/log.ts";
import {
  childTraceparent,
  observed,
  spanIdOf,
  type SpanRecord,
  traceIdOf,
  type Tracing,
} from "../../shared/telemetry/tracing.ts";
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
 * Prints each notification as one log line, those shown together in one write, each in a span if
 * its trace is sampled. The lines are the service's output, so no log level hides them.
 */
export function createLogLineSink({ format, output, tracing }: LogLineSinkOptions): Sink {
  let text = "";
  const log = createLogger({
    service: "notifier",
    level: "info",
    format,
    write: (line) => text += line,
  });
  const print = (notification: Notification, traceparent: string) => {
    const { orderId: order_id, userId: user_id, status, seq, at, reason } = notification;
    const fields = { order_id, user_id, status, seq, at, ...(reason && { reason }) };
    const trace = { traceId: traceIdOf(traceparent), spanId: spanIdOf(traceparent) };
    log.info(`order is ${status}${reason ? REASON_TEXTS[reason] : ""}`, fields, trace);
  };
  return {
    async show(notifications, { clock }) {
      text = "";
      const spans: Omit<SpanRecord, "durationMs">[] = [];
      for (const notification of notifications) {
        const { traceparent: parent, status } = notification;
        const isSampled = tracing.isSampled(parent);
        const traceparent = isSampled ? childTraceparent(parent) : parent;
        print(notification, traceparent);
        if (!isSampled) continue;
        spans.push({
          ...{ traceparent, parent, name: "show notification", kind: "internal" },
          ...{ startedAt: clock.now(), attributes: { "marketplace.order.status": status } },
        });
      }
      const lines = text;
      const written = new Promise<void>((resolve, reject) => {
        output.write(lines, (error) => error ? reject(error) : resolve());
      });
      await observed(() => written, {
        clock,
        measure: (error) => {
          for (const span of spans) {
            tracing.record({ ...span, durationMs: clock.now() - span.startedAt, error });
          }
        },
      });
    },
  };
}
