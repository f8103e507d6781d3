import process from "node:process";
import {
  collectDefaultMetrics,
  Counter,
  Gauge,
  Histogram,
  type Metric,
  Registry,
} from "prom-client";
import type { ProcessLog } from "./log.ts";
import type { ServiceName } from "./log-record.ts";
import { RUNTIME, VERSION } from "./version.ts";

/** The services that have `/metrics`. */
export type MeasuredService = Exclude<ServiceName, "stack">;

export interface MetricFamily<
  Type extends "counter" | "gauge" | "histogram" = "counter" | "gauge" | "histogram",
  Label extends string = string,
> {
  readonly type: Type;
  readonly name: string;
  readonly help: string;
  /** Labels with values from a closed set, whatever clients send. */
  readonly labels: readonly Label[];
  /** Upper bounds of a histogram. */
  readonly buckets?: readonly number[];
}

type Definition<Label extends string> =
  & Pick<MetricFamily, "name" | "help">
  & Partial<Pick<MetricFamily<never, Label>, "labels">>;
type HistogramDefinition<Label extends string> = Definition<Label> & {
  readonly buckets: readonly number[];
};

/** A cart answers from memory in under 1 ms, an order takes 1 to 20 ms, a request has 5 s. */
export const DURATION_BUCKETS: readonly number[] = [
  ...[0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
];
/** A single item makes a batch of one; the largest batch has 500. */
export const BATCH_BUCKETS: readonly number[] = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** The families of all loaded modules, in definition order; docs/metrics.md lists them. */
export const DEFINED_FAMILIES: MetricFamily[] = [];

export function counterFamily<const Label extends string = never>(definition: Definition<Label>) {
  return define({ type: "counter", ...definition });
}

export function gaugeFamily<const Label extends string = never>(definition: Definition<Label>) {
  return define({ type: "gauge", ...definition });
}

export function histogramFamily<const Label extends string = never>(
  definition: HistogramDefinition<Label>,
) {
  return define({ type: "histogram", ...definition });
}

function define<Type extends MetricFamily["type"], Label extends string>(
  definition: Definition<Label> & Pick<MetricFamily<Type>, "type" | "buckets">,
): MetricFamily<Type, Label> {
  const family = { labels: [], ...definition };
  DEFINED_FAMILIES.push(family);
  return family;
}

const BUILD_INFO = gaugeFamily({
  name: "build_info",
  help: "Version and runtime of the service; always 1",
  labels: ["service_name", "service_version", "process_runtime_name", "process_runtime_version"],
});

const PROCESS_RESIDENT_MEMORY_BYTES = gaugeFamily({
  name: "process_resident_memory_bytes",
  help: "Resident memory of the process",
});

const LOG_LINES_LOST_TOTAL = counterFamily({
  name: "log_lines_lost_total",
  help: "Log lines dropped because the reader of the output was slow",
});

/** The metrics of one service, in a separate registry. A family is registered on first use. */
export class Metrics {
  readonly service: MeasuredService;
  readonly #registry = new Registry();
  readonly #byName = new Map<string, Metric>();
  readonly #beforeScrape: (() => void | Promise<void>)[] = [];

  constructor(service: MeasuredService) {
    this.service = service;
    this.gauge(BUILD_INFO).set({
      service_name: service,
      service_version: VERSION,
      process_runtime_name: RUNTIME.name,
      process_runtime_version: RUNTIME.version,
    }, 1);
    const memory = this.gauge(PROCESS_RESIDENT_MEMORY_BYTES);
    this.beforeScrape(() => memory.set(process.memoryUsage().rss));
  }

  /**
   * Adds the metrics of the runtime, which measure its event loop from now on, and the lines that
   * `log` dropped.
   */
  watchProcess(log: Pick<ProcessLog, "lost">): void {
    for (const metric of processMetrics()) this.#registry.registerMetric(metric);
    const lost = this.counter(LOG_LINES_LOST_TOTAL);
    this.beforeScrape(() => {
      lost.reset();
      lost.inc(log.lost);
    });
  }

  counter<Label extends string>(family: MetricFamily<"counter", Label>): Counter<Label> {
    return this.#metric(family, Counter) as Counter<Label>;
  }

  gauge<Label extends string>(family: MetricFamily<"gauge", Label>): Gauge<Label> {
    return this.#metric(family, Gauge) as Gauge<Label>;
  }

  histogram<Label extends string>(family: MetricFamily<"histogram", Label>): Histogram<Label> {
    return this.#metric(family, Histogram) as Histogram<Label>;
  }

  /** Runs `update` before every scrape, for values that are counted elsewhere. */
  beforeScrape(update: () => void | Promise<void>): void {
    this.#beforeScrape.push(update);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All families in the text format of Prometheus. A failed update does not hide the rest. */
  async text(): Promise<string> {
    await Promise.allSettled(this.#beforeScrape.map(async (update) => await update()));
    return await this.#registry.metrics();
  }

  #metric(family: MetricFamily, Kind: typeof Counter | typeof Gauge | typeof Histogram): Metric {
    const { name, help, labels, buckets } = family;
    const known = this.#byName.get(name);
    if (known) return known;
    const options = { name, help, labelNames: [...labels], registers: [this.#registry] };
    const metric: Metric = new Kind(buckets ? { ...options, buckets: [...buckets] } : options);
    this.#byName.set(name, metric);
    return metric;
  }
}

/**
 * Families of prom-client that are omitted: on Deno, which does not allow /proc, they are 0, and
 * the version is that of Node. Memory and version have metrics of our own.
 */
const WRONG_ON_DENO =
  /^process_(resident|virtual|heap)_|^nodejs_(version_info|active_(handles|requests))/;
/** Useful, but available on Node only. */
const NODE_ONLY = /^process_(open|max)_fds$|^nodejs_gc_/;

/**
 * How often the delay of the event loop is sampled, in ms; the delay includes it. A timer of 10 ms,
 * the default, takes 0.36 % of a core of an idle process, and this one 0.1 %.
 */
const EVENT_LOOP_SAMPLE_MS = 40;

/** The metrics of prom-client that are true on this runtime. */
function processMetrics(): Metric[] {
  const registry = new Registry();
  collectDefaultMetrics({
    register: registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS,
  });
  for (const { name } of registry.getMetricsAsArray()) {
    const isOmitted = WRONG_ON_DENO.test(name) ||
      (RUNTIME.name === "deno" && NODE_ONLY.test(name));
    if (isOmitted) registry.removeSingleMetric(name);
  }
  return registry.getMetricsAsArray() as unknown as Metric[];
}
