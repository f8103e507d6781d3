import type { ProcessLog } from "./log.ts";
import type { Metrics } from "./metrics.ts";

/** Shows at each scrape how many lines of the log were dropped. */
export function watchLog(log: Pick<ProcessLog, "lost">, metrics: Metrics): void {
  const lost = metrics.counter("log_lines_lost_total");
  metrics.beforeScrape(() => {
    lost.reset();
    lost.inc(log.lost);
  });
}
