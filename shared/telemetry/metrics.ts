import process from "node:process";
import { Counter, Gauge, Histogram, type Metric, Registry } from "prom-client";
import {
  type LabelOf,
  type MeasuredService,
  METRIC_FAMILIES,
  type MetricFamily,
  type MetricName,
  type MetricNameOf,
} from "./metric-families.ts";
import { processMetrics } from "./process-metrics.ts";
import { RUNTIME } from "./runtime.ts";
import { VERSION } from "./version.ts";

/** The metrics of one service: every family that it has, from the start, in a registry of its own. */
export class Metrics {
  readonly service: MeasuredService;
  readonly #registry = new Registry();
  readonly #byName = new Map<MetricName, Metric>();
  readonly #beforeScrape: (() => void | Promise<void>)[] = [];

  constructor(service: MeasuredService) {
    this.service = service;
    for (const [name, family] of Object.entries<MetricFamily>(METRIC_FAMILIES)) {
      if (!family.services.includes(service)) continue;
      this.#byName.set(name as MetricName, createMetric(name, family, this.#registry));
    }
    this.gauge("build_info").set({
      service_name: service,
      service_version: VERSION,
      process_runtime_name: RUNTIME.name,
      process_runtime_version: RUNTIME.version,
    }, 1);
    const memory = this.gauge("process_resident_memory_bytes");
    this.beforeScrape(() => memory.set(process.memoryUsage().rss));
  }

  /** Adds what Node or Deno tells of the process, and measures its event loop from now on. */
  watchProcess(): void {
    for (const metric of processMetrics()) this.#registry.registerMetric(metric);
  }

  counter<Name extends MetricNameOf<"counter">>(name: Name): Counter<LabelOf<Name>> {
    return this.#metric(name) as Counter<LabelOf<Name>>;
  }

  gauge<Name extends MetricNameOf<"gauge">>(name: Name): Gauge<LabelOf<Name>> {
    return this.#metric(name) as Gauge<LabelOf<Name>>;
  }

  histogram<Name extends MetricNameOf<"histogram">>(name: Name): Histogram<LabelOf<Name>> {
    return this.#metric(name) as Histogram<LabelOf<Name>>;
  }

  /** Runs `update` before every scrape, for what is counted elsewhere. */
  beforeScrape(update: () => void | Promise<void>): void {
    this.#beforeScrape.push(update);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** All of it in the text format of Prometheus. What cannot be told does not hide the rest. */
  async text(): Promise<string> {
    await Promise.allSettled(this.#beforeScrape.map(async (update) => await update()));
    return await this.#registry.metrics();
  }

  #metric(name: MetricName): Metric {
    const metric = this.#byName.get(name);
    if (!metric) throw new Error(`${name} is no metric of ${this.service}`);
    return metric;
  }
}

function createMetric(name: string, family: MetricFamily, registry: Registry): Metric {
  const { type, help, labels, buckets = [] } = family;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case "counter":
      return new Counter(options);
    case "gauge":
      return new Gauge(options);
    case "histogram":
      return new Histogram({ ...options, buckets: [...buckets] });
  }
}
