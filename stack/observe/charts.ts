import { PROBE_ROUTES } from "../../shared/http/listen.ts";

/** The services that are scraped; the product stand-in is not. */
export type ScrapedService = "cart" | "loms" | "notifier";
export const SCRAPED_SERVICES: readonly ScrapedService[] = ["cart", "loms", "notifier"];

/** The drawn period: five minutes, one point per two seconds. */
const POINTS_MAX = 150;

/** The samples of a scrape by name with labels. */
export type Samples = ReadonlyMap<string, number>;

interface Line {
  readonly service: ScrapedService;
  readonly label: string;
  /** The added metrics; prom-client's have other names than ours. */
  readonly metric: string;
  /** Which of its samples. */
  readonly only?: RegExp | undefined;
  /** How it is read: its value, its growth per second, or the mean duration. */
  readonly per?: "second" | `${string}_count`;
}

interface Chart {
  readonly title: string;
  readonly unit: "/s" | "s" | "B" | "";
  readonly lines: readonly Line[];
}

type Describe = (service: ScrapedService, label: string, metric: string, only?: RegExp) => Line;

const value: Describe = (service, label, metric) => ({ service, label, metric });
const rate: Describe = (service, label, metric, only) => (
  { service, label, metric, only, per: "second" }
);
const average: Describe = (service, label, metric, only) => (
  { service, label, metric: `${metric}_sum`, only, per: `${metric}_count` }
);

/** Without monitoring requests, such as this scrape. */
const NOT_A_PROBE = new RegExp(`^(?!.*http_route="(${[...PROBE_ROUTES].join("|")})")`);
const HTTP_5XX = new RegExp(`${NOT_A_PROBE.source}.*http_response_status_code="5`);
const ERROR = /error_type="/;
const REQUESTS = "http_server_request_duration_seconds";
const CALLS = "rpc_server_call_duration_seconds";
const STATEMENTS = "db_client_operation_duration_seconds";
const ON_PRIMARY = /db_client_connection_pool_name="primary"/;
const ON_REPLICA = /db_client_connection_pool_name="replica"/;

const chart = (title: string, unit: Chart["unit"], lines: readonly Line[]): Chart => (
  { title, unit, lines }
);

const CHARTS: readonly Chart[] = [
  chart("Requests", "/s", [
    rate("cart", "cart HTTP", `${REQUESTS}_count`, NOT_A_PROBE),
    rate("loms", "loms HTTP", `${REQUESTS}_count`, NOT_A_PROBE),
    rate("loms", "loms gRPC", `${CALLS}_count`, /rpc_system_name="grpc"/),
  ]),
  chart("Average time", "s", [
    average("cart", "cart HTTP", REQUESTS, NOT_A_PROBE),
    average("loms", "loms calls", CALLS),
    average("notifier", "change to notification", "notifier_delay_seconds"),
  ]),
  chart("Orders and notifications", "/s", [
    rate("loms", "orders created", "order_transitions_total", /to="awaiting payment"/),
    rate("notifier", "notifications", "notifier_notifications_total", /result="shown"/),
  ]),
  chart("Failures", "/s", [
    rate("cart", "cart HTTP 5xx", `${REQUESTS}_count`, HTTP_5XX),
    rate("loms", "loms calls", `${CALLS}_count`, ERROR),
    rate("notifier", "notifier messages", "bus_consume_duration_seconds_count", ERROR),
  ]),
  chart("Average SQL statement", "s", [
    average("loms", "loms, primary", STATEMENTS, ON_PRIMARY),
    average("loms", "loms, replica", STATEMENTS, ON_REPLICA),
    average("notifier", "notifier", STATEMENTS, ON_PRIMARY),
  ]),
  chart("Events that wait", "", [
    value("loms", "in the outbox", "outbox_backlog_events"),
    value("notifier", "on the bus", "bus_lag_messages"),
  ]),
  chart(
    "Processors in use",
    "",
    SCRAPED_SERVICES.map((name) => rate(name, name, "process_cpu_seconds_total")),
  ),
  chart(
    "Memory",
    "B",
    SCRAPED_SERVICES.map((name) => value(name, name, "process_resident_memory_bytes")),
  ),
];

/** A time in ms since 1970 and a value; null if it is unknown. */
export type Point = readonly [at: number, value: number | null];

export interface DrawnChart {
  readonly title: string;
  readonly unit: string;
  readonly lines: readonly { service: string; label: string; points: readonly Point[] }[];
}

interface Scrape {
  readonly at: number;
  readonly samples: Samples;
}

/** The recent values of the three services, as lines to draw. */
export class Charts {
  readonly #points = new Map<Line, Point[]>();
  readonly #before = new Map<ScrapedService, Scrape>();

  /** Adds a scrape of a service; undefined if it failed. */
  add(service: ScrapedService, at: number, samples: Samples | undefined): void {
    const before = this.#before.get(service);
    for (const line of CHARTS.flatMap(({ lines }) => lines)) {
      if (line.service !== service) continue;
      const points = this.#points.get(line) ?? [];
      this.#points.set(line, points);
      points.push([at, samples ? read(line, { at, samples }, before) : null]);
      if (points.length > POINTS_MAX) points.shift();
    }
    if (samples) this.#before.set(service, { at, samples });
    else this.#before.delete(service);
  }

  /** The state of replication; undefined while loms does not answer. */
  replicationState(): string | undefined {
    for (const [name, value] of this.#before.get("loms")?.samples ?? []) {
      const state = /^db_replication_state\{state="(\w+)"\}$/.exec(name)?.[1];
      if (state && value === 1) return state;
    }
    return undefined;
  }

  drawn(): DrawnChart[] {
    const drawn = (line: Line) => {
      const { service, label } = line;
      return { service, label, points: this.#points.get(line) ?? [] };
    };
    return CHARTS.map(({ title, unit, lines }) => ({ title, unit, lines: lines.map(drawn) }));
  }
}

function read(line: Line, now: Scrape, before: Scrape | undefined): number | null {
  if (!line.per) return total(now, line.metric, line.only) ?? null;
  if (!before) return null;
  const grown = grownBy(line.metric, line.only, now, before);
  if (line.per === "second") return grown / ((now.at - before.at) / 1000);
  const times = grownBy(line.per, line.only, now, before);
  return times > 0 ? grown / times : null;
}

/** A counter restarts with its process: its value is then its growth. */
function grownBy(metric: string, only: RegExp | undefined, now: Scrape, before: Scrape): number {
  const value = total(now, metric, only) ?? 0;
  const earlier = total(before, metric, only) ?? 0;
  return value < earlier ? value : value - earlier;
}

/** The sum of a metric's samples; undefined if there are none. */
function total({ samples }: Scrape, metric: string, only = /^/): number | undefined {
  let sum: number | undefined;
  for (const [name, value] of samples) {
    const isIt = name === metric || (name.startsWith(`${metric}{`) && only.test(name));
    if (isIt) sum = (sum ?? 0) + value;
  }
  return sum;
}
