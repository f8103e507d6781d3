import { inSpan } from "../../shared/telemetry/in-span.ts";
import { childTraceparent } from "../../shared/telemetry/traceparent.ts";
import type { Tracing } from "../../shared/telemetry/tracing.ts";
import type { Sink } from "../domain/deps.ts";

/** The same sink; each notification is a span, whose ids its line shows. */
export function tracedSink(sink: Sink, tracing: Tracing): Sink {
  return {
    show(notification, context) {
      const { traceparent: parent, clock } = context;
      if (!tracing.keeps(parent)) return sink.show(notification, context);
      const traceparent = childTraceparent(parent);
      const attributes = { "marketplace.order.status": notification.status };
      return inSpan(tracing, {
        ...{ traceparent, parent, name: "show notification", kind: "internal", clock },
        describe: (error) => ({ attributes, error }),
      }, () => sink.show(notification, context.withTraceparent(traceparent)));
    },
  };
}
