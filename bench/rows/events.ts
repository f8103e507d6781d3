import { setTimeout as wait } from "node:timers/promises";
import type { Bench, Goal, Lab } from "../lab.ts";
import { generate } from "../load/load.ts";
import { TRACEPARENT } from "../references/naive-statements.ts";
import { alternate, measuredBy, type Variant } from "../rounds.ts";
import { percentile, ratios } from "../statistics.ts";
import { type Broker, openBroker, whyNoBroker } from "../subjects/broker.ts";
import { type Loms, orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { type Notifier, startNotifier } from "../subjects/notifier.ts";
import { fillStock, type LomsDatabase, openPostgres, type Postgres } from "../subjects/postgres.ts";

/** Events; an order has two. */
const BACKLOG = { full: 200_000, quick: 20_000 } as const;
/** Above the ids of all orders. */
const OTHER_ORDERS = 10 ** 12;
const REQUESTS = 20_000;
const SECONDS = { full: 5, quick: 2 } as const;
/** Earlier ones include connecting and compiling. */
const WARM_UP_SECONDS = 1.5;
/** An event that takes longer to be shown is lost. */
const SHOWN_MAX_MS = 60_000;
const POLL_MS = 100;

const DRAIN: Goal = {
  ...{ bench: "B4", what: "backlog of events published to Kafka", atLeast: 0.6, unit: "x" },
  reference: "bare kafkajs producer, the same messages",
};
const goalOf = (what: string, share: string, atMost: number): Goal => (
  { bench: "B4", what: `commit to notification, ${what}, ${share}`, atMost, unit: "ms" }
);
const STEADY = [
  { name: "1,000 orders/s", rate: 1_000, loms: 1, p50: 10, p99: 50 },
  { name: "20 orders/s", rate: 20, loms: 1, p50: 10, p99: 50 },
  { name: "1,000 orders/s over two loms", rate: 1_000, loms: 2, p50: undefined, p99: 100 },
].map(({ p50, p99, ...each }) => ({
  ...each,
  p50: p50 === undefined ? undefined : goalOf(each.name, "p50", p50),
  p99: goalOf(each.name, "p99", p99),
}));

export const EVENTS: Bench = {
  name: "B4",
  title: "events of orders on Apache Kafka",
  goals: [DRAIN, ...STEADY.flatMap(({ p50, p99 }) => p50 ? [p50, p99] : [p99])],
  run,
};

/** Shared by the parts of the bench. */
interface Setting {
  readonly lab: Lab;
  readonly postgres: Postgres;
  readonly database: LomsDatabase;
  readonly broker: Broker;
}

async function run(lab: Lab): Promise<void> {
  const reason = whyNoBroker();
  if (reason) {
    for (const goal of EVENTS.goals) lab.lacks(goal, reason);
    return;
  }
  const postgres = await openPostgres(lab.opened, { databases: ["loms", "notifier", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const broker = await openBroker(lab.opened);
  const setting = { lab, postgres, database, broker };
  await runSteady(setting);
  await runDrain(setting);
}

async function runSteady(setting: Setting): Promise<void> {
  const { lab, postgres, database, broker } = setting;
  const environment = broker.environment;
  const started: Loms[] = [];
  const startOne = () => startLoms({ postgres, database, environment }, lab.opened);
  started.push(await startOne());
  const notifier = await startNotifier(lab.opened, postgres, environment);
  const requests = orderRequests(REQUESTS);
  for (const { name, rate, loms, p50, p99 } of STEADY) {
    if (started.length < loms) started.push(await startOne());
    const figures = { p50: [] as number[], p99: [] as number[] };
    for (let round = 0; round < lab.rounds; round++) {
      notifier.shown.length = 0;
      const startedAt = Date.now();
      const measured = await generate({
        ...{ protocol: "grpc", requests, rate, warm_up_seconds: WARM_UP_SECONDS },
        addresses: started.slice(0, loms).map(({ grpc }) => grpc),
        seconds: lab.isQuick ? SECONDS.quick : SECONDS.full,
      }, [...started, notifier, broker, ...postgres.parts]);
      await untilShown(notifier, 2 * measured.all);
      const times = notifier.shown
        .filter(({ at }) => at >= startedAt + WARM_UP_SECONDS * 1_000)
        .map(({ at, timestamp }) => timestamp - at);
      lab.promise(
        notifier.shown.length >= 2 * measured.all,
        `${notifier.shown.length} notifications of ${measured.all} orders after a minute`,
      );
      figures.p50.push(percentile(times, 0.5));
      figures.p99.push(percentile(times, 0.99));
      lab.say(`${name}: p50 ${figures.p50.at(-1)} ms, p99 ${figures.p99.at(-1)} ms`);
      lab.subject(`${name}, round ${round + 1}`, [measured]);
    }
    if (p50) lab.record(p50, figures.p50);
    lab.record(p99, figures.p99);
  }
  await notifier.stop();
  for (const each of started) await each.stop();
}

async function untilShown({ shown }: Notifier, count: number): Promise<void> {
  const deadline = performance.now() + SHOWN_MAX_MS;
  while (shown.length < count && performance.now() < deadline) await wait(POLL_MS);
}

/** The backlog is written while no loms runs; a new loms publishes it. */
async function runDrain({ lab, postgres, database, broker }: Setting): Promise<void> {
  const events = lab.isQuick ? BACKLOG.quick : BACKLOG.full;
  const relay: Variant = {
    name: `loms, backlog of ${events}`,
    async measure() {
      await writeBacklog(database, events);
      const before = await broker.published();
      const loms = await startLoms(
        { postgres, database, environment: broker.environment },
        lab.opened,
      );
      const drained = await broker.watch(before, events, [loms, broker, ...postgres.parts]);
      await loms.stop();
      return drained;
    },
  };
  const bare: Variant = {
    name: `kafkajs, ${events} messages`,
    async measure() {
      const { seconds, cpuUs } = await broker.produce(events);
      return measuredBy({ calls: events, seconds, cpuUs });
    },
  };
  await broker.produce(events / 10);
  const [ours = [], reference = []] = await alternate(lab, [relay, bare]);
  const rates = [ours, reference].map((rounds) => rounds.map(({ perSecond }) => perSecond));
  lab.record(DRAIN, ratios(rates[0] ?? [], rates[1] ?? []), `${events} events`);
}

/** Two events for each of orders that do not exist. */
async function writeBacklog({ run }: LomsDatabase, events: number): Promise<void> {
  await run(
    `insert into outbox (order_id, user_id, seq, status, at, traceparent)
     select order_id, 7, seq, case seq when 1 then 'new' else 'awaiting payment' end, now(),
       '${TRACEPARENT}'
     from (
       select ${OTHER_ORDERS} + nextval('orders_order_id_seq') as order_id
       from generate_series(1, ${events / 2})
     ) made cross join generate_series(1, 2) seq
     order by order_id, seq`,
  );
}
