import { fileURLToPath } from "node:url";
import { setTimeout as wait } from "node:timers/promises";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { cpuTimes } from "../cpu-time.ts";
import { generate, type Load } from "../load/load.ts";
import { cartRequests, openCartStandIns } from "../subjects/cart.ts";
import { metricOf, orderRequests, startLoms } from "../subjects/loms.ts";
import { fillStock, openPostgres } from "../subjects/postgres.ts";
import type { Service } from "../subjects/service.ts";
import type { Level } from "./levels.ts";

const SUBJECT = fileURLToPath(new URL("subject.ts", import.meta.url));
const ROUND_SECONDS = 0.7;
/** Enough to keep a service busy on one processor. */
const CALLERS = 32;
const REQUESTS = 5_000;
const SKUS = 1_000;
const SETTLED_POLL_MS = 20;

/** A service under load. */
interface Loaded {
  readonly service: Service;
  readonly load: Pick<Load, "protocol" | "addresses" | "requests">;
  /** Resolves when its background work has ended. */
  settled(): Promise<void>;
}

/** Starts a service with the settings of a level. */
export type Start = (options: {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}) => Promise<Loaded>;

/** The throughput in a round: calls per second, and per second of the process's CPU time. */
export interface Round {
  readonly perSecond: number;
  readonly perCpuSecond: number;
}

export interface Subject {
  readonly level: Level;
  readonly rounds: Round[];
  measure(): Promise<void>;
}

/** cart, with everything in stock: adds and lists in rotation. */
export async function benchCart(opened: CloseStack): Promise<Start> {
  const standIns = await openCartStandIns(opened);
  const lists = cartRequests("list");
  const requests = cartRequests("add").flatMap((add, index) => [add, lists[index] ?? add]);
  return async (options) => {
    const cart = await standIns.start(options);
    const load = { protocol: "http", addresses: [cart.http], requests } as const;
    return { service: cart, load, settled: () => Promise.resolve() };
  };
}

/** loms with a synchronous replica: OrderCreate over gRPC, and the relay of its events. */
export async function benchLoms(opened: CloseStack): Promise<Start> {
  const postgres = await openPostgres(opened, { databases: ["loms", "bus"], durable: false });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const requests = orderRequests(REQUESTS, SKUS);
  return async (options) => {
    const loms = await startLoms({ postgres, database, ...options }, opened);
    return {
      service: loms,
      load: { protocol: "grpc", addresses: [loms.grpc], requests },
      async settled() {
        while (await metricOf(loms.http, "outbox_backlog_events") > 0) await wait(SETTLED_POLL_MS);
      },
    };
  };
}

/** One process per level; all are suspended except the one being measured. */
export async function startSubjects(
  part: "cart" | "loms",
  start: Start,
  { levels, runtime }: { readonly levels: readonly Level[]; readonly runtime: Runtime },
): Promise<Subject[]> {
  const subjects: Subject[] = [];
  for (const level of levels) {
    const { service, load, settled } = await start({
      name: `${part} with ${level.name}`,
      command: [...commandFor(runtime, SUBJECT, ["-A"]), part],
      environment: level.settings,
    });
    service.pause();
    const rounds: Round[] = [];
    const measure = async () => {
      service.resume();
      const usedMs = () => cpuTimes([service])[0] ?? 0;
      const before = usedMs();
      const { perSecond, all } = await generate(
        { ...load, callers: CALLERS, seconds: ROUND_SECONDS, warm_up_seconds: 0 },
        [],
      );
      await settled();
      rounds.push({ perSecond, perCpuSecond: all * 1_000 / (usedMs() - before) });
      service.pause();
    };
    subjects.push({ level, rounds, measure });
  }
  return subjects;
}
