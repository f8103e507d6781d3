import { systemClock } from "../async/clock.ts";
import { within } from "../async/within.ts";
import { gaugeFamily, type Metrics } from "../telemetry/metrics.ts";
import type { Bus, Topic } from "./bus.ts";
import type { BusSystem } from "./bus.ts";

export const BUS_LAG_MESSAGES = gaugeFamily({
  name: "bus_lag_messages",
  help: "Messages on the bus that the group is not done with; absent while the bus cannot tell",
  labels: ["messaging_system", "messaging_destination_name", "messaging_consumer_group_name"],
});

/** A scrape has 10 s at most, and the other metrics wait for this one. */
const READ_TIMEOUT_MS = 1_000;

export interface WatchedGroup {
  readonly topic: Topic;
  readonly group: string;
  readonly system: BusSystem;
}

/** Reads the lag of the group at each scrape; scrapes at one time share one answer. */
export function watchLag(
  bus: Pick<Bus, "lag">,
  { topic, group, system }: WatchedGroup,
  metrics: Metrics,
): void {
  const lag = metrics.gauge(BUS_LAG_MESSAGES);
  const labels = {
    messaging_system: system,
    messaging_destination_name: topic.name,
    messaging_consumer_group_name: group,
  };
  let asked: Promise<number> | undefined;
  const update = async () => {
    asked ??= bus.lag(topic, group).finally(() => asked = undefined);
    try {
      const late = () => {
        throw new Error("the bus does not tell its lag in time");
      };
      lag.set(labels, await within(systemClock, READ_TIMEOUT_MS, asked, late));
    } catch {
      // An old number would pass for a new one.
      lag.remove(labels);
    }
  };
  metrics.beforeScrape(update);
}
