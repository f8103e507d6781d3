import type { ProcessLog } from "./log.ts";
import { counterFamily, type Metrics } from "./metrics.ts";

export const LOG_LINES_LOST_TOTAL = counterFamily({
  name: "log_lines_lost_total",
  help: "Log lines that were dropped, since whoever reads them was slow",
  labels: [],
});

/** Shows at each scrape how many lines of the log were dropped. */
export function watchLog(log: Pick<ProcessLog, "lost">, metrics: Metrics): void {
  const lost = metrics.counter(LOG_LINES_LOST_TOTAL);
  metrics.beforeScrape(() => {
    lost.reset();
    lost.inc(log.lost);
  });
}
