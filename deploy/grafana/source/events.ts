import type { Dashboard } from "../dashboard.ts";
import { durations, gauge, perSecond } from "../promql.ts";

export const events: Dashboard = {
  name: "events",
  title: "Outbox and events",
  about: "Order events from the transaction that writes them to the notification.",
  rows: [
    {
      title: "Outbox",
      panels: [
        {
          title: "Events waiting to be published",
          unit: "short",
          queries: [gauge("outbox_backlog_events", "instance")],
        },
        {
          title: "Age of the oldest event",
          about: "Milliseconds while the bus accepts events; the alert fires at 30 s.",
          unit: "s",
          queries: [gauge("outbox_oldest_age_seconds", "instance")],
        },
        {
          title: "Events that the bus refused permanently",
          about: "In the table outbox_refused, each with the reason.",
          unit: "short",
          isNow: true,
          queries: [gauge("outbox_refused_events", "instance")],
        },
      ],
    },
    {
      title: "Outbox of stock events",
      panels: [
        {
          title: "Stock events waiting to be published",
          unit: "short",
          queries: [gauge("stock_outbox_backlog_events", "instance")],
        },
        {
          title: "Age of the oldest stock event",
          about: "Half a second at most while the bus accepts events; the alert fires at 30 s.",
          unit: "s",
          queries: [gauge("stock_outbox_oldest_age_seconds", "instance")],
        },
        {
          title: "Stock events that the bus refused permanently",
          about: "In the table stock_outbox_refused, each with the reason.",
          unit: "short",
          isNow: true,
          queries: [gauge("stock_outbox_refused_events", "instance")],
        },
      ],
    },
    {
      title: "Published",
      panels: [
        {
          title: "Events",
          about: "Failed batches are repeated.",
          unit: "ops",
          queries: [
            perSecond("bus_published_messages_total", "messaging_destination_name, error_type"),
          ],
        },
        {
          title: "Batches",
          unit: "ops",
          queries: [
            perSecond(
              "bus_publish_duration_seconds_count",
              "messaging_destination_name, error_type",
            ),
          ],
        },
        {
          title: "Duration of a batch",
          unit: "s",
          queries: durations("bus_publish_duration_seconds", "", "messaging_destination_name"),
        },
        {
          title: "Events in a batch",
          unit: "short",
          queries: durations("outbox_relay_batch_events", ""),
        },
        {
          title: "Duration of the relay's steps",
          about: "Read from the outbox, publish, mark.",
          unit: "s",
          queries: durations("outbox_relay_batch_duration_seconds", ""),
        },
      ],
    },
    {
      title: "Consumed",
      panels: [
        {
          title: "Messages",
          unit: "ops",
          queries: [
            perSecond(
              "bus_consume_duration_seconds_count",
              "messaging_consumer_group_name, error_type",
            ),
          ],
        },
        {
          title: "Duration of a message",
          unit: "s",
          queries: durations("bus_consume_duration_seconds", "", "messaging_consumer_group_name"),
        },
        {
          title: "Published and not yet processed",
          about: "Above 0 for long: the notifier falls behind.",
          unit: "short",
          queries: [{
            expr: "max by (messaging_destination_name, messaging_consumer_group_name) " +
              "(bus_lag_messages)",
            legend: "{{messaging_consumer_group_name}}",
          }],
        },
        {
          title: "Skipped events",
          about: "Above 0: notifications are missing. See EventsSkipped in the runbook.",
          unit: "short",
          isNow: true,
          queries: [gauge("notifier_skipped_events_total", "instance")],
        },
        {
          title: "From a change to its notification",
          unit: "s",
          queries: durations("notifier_delay_seconds", ""),
        },
      ],
    },
  ],
};
