// The cost of the relay's statements on a used outbox, compared with an empty one: published rows,
// dead rows, a snapshot that another session holds, and a transaction that writes and stays open.
// Each figure is a median; the ratio is to the empty outbox, with which each case alternates.
// Usage: node bench/relay-cost.ts [EVENTS]   (300000 without it)
import { randomUUID } from "node:crypto";
import process from "node:process";
import { sql } from "drizzle-orm";
import { ORDER_OUTBOX } from "../loms/outbox/order-outbox.ts";
import { Relay } from "../loms/outbox/relay.ts";
import { replicatedWrites, testContext } from "../loms/repository/writer-fixture.ts";
import { systemClock } from "../shared/async/request-context.ts";
import { CloseStack } from "../shared/lifecycle.ts";
import { Pool } from "../shared/postgres/pool.ts";
import { defineStatement } from "../shared/postgres/statement.ts";
import { median } from "./statistics.ts";
import { type LomsDatabase, openPostgres } from "./subjects/postgres.ts";
import { table } from "./table.ts";

const EVENTS = Number(process.argv[2] ?? 300_000);
const ROUNDS = 7;
const CALLS = 15;
const LEASE_MS = 4_000;
const RELAY = randomUUID();
const MINUTE_MS = 60_000;

/** The query of the relay at commit 3e7d3ee. */
const OLDER_READ = defineStatement({
  name: "older_read",
  kind: "update",
  text: "select id from loms_outbox_take_reasons($1, $2, $3, $4)",
  parameters: ["uuid", "int4", "int4", "text"],
  columns: { id: "int8?" },
});

const STATEMENTS = {
  "read, idle": read,
  "read of 2 events": read,
  "mark of 2 events": mark,
  backlog: ({ pool }: LomsDatabase) => pool.run(ORDER_OUTBOX.backlog, [], testContext()),
  clean: ({ pool }: LomsDatabase) =>
    pool.run(ORDER_OUTBOX.clean, [10 * MINUTE_MS, 2_000], testContext()),
  "read, idle, of an older loms": ({ pool }: LomsDatabase) =>
    pool.run(OLDER_READ, [RELAY, LEASE_MS, 500, "local"], testContext()),
};
type Name = keyof typeof STATEMENTS;

const opened = new CloseStack(MINUTE_MS);
try {
  const postgres = await openPostgres(opened, {
    databases: ["empty", "published", "dead", "snapshot", "writer"],
  });
  const empty = await postgres.loms("empty");
  const cases: [string, LomsDatabase][] = [
    ["published and vacuumed", await withPast("published")],
    ["published, not vacuumed", await withPast("dead")],
    ["published while a snapshot is held", await withPast("snapshot", "select 1")],
    [
      "published while a transaction that writes is open",
      await withPast(
        "writer",
        "select pg_current_xact_id()",
      ),
    ],
  ];
  await (await postgres.loms("published")).run("vacuum analyze outbox");
  for (const [name, database] of cases) {
    const figures = await compare(empty, database);
    process.stdout.write(`\n${EVENTS} events ${name}\n\n${figures}\n`);
  }

  /** A database whose outbox had these events, which a relay published. */
  async function withPast(name: string, held?: string): Promise<LomsDatabase> {
    const database = await postgres.loms(name);
    await database.run(`insert into outbox (order_id, user_id, seq, status, at, traceparent)
      select number, 7, 1, 'new', now(), 't' from generate_series(1, ${EVENTS}) number`);
    if (held) {
      const session = new Pool({
        ...{ url: database.url, role: "primary", max: 1, applicationName: "bench" },
      });
      opened.push("the session", () => session.close());
      await session.db.execute(sql`begin isolation level repeatable read`);
      await session.db.execute(sql.raw(held));
    }
    const relay = openRelay(database);
    const startedAt = performance.now();
    for (let step = await relay.step(); step.kind !== "drained"; step = await relay.step());
    const seconds = (performance.now() - startedAt) / 1_000;
    process.stdout.write(`${name}: ${Math.round(EVENTS / seconds)} events/s without a bus\n`);
    await relay.close();
    return database;
  }
} finally {
  await opened.close();
}

function openRelay({ pool }: LomsDatabase): Relay {
  return new Relay({
    outbox: ORDER_OUTBOX,
    writes: replicatedWrites(pool),
    marks: pool,
    bus: { publish: () => Promise.resolve() },
    topic: { name: "events", groups: [], deadLetterQueue: "dead" },
    clock: systemClock,
    relayId: RELAY,
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
}

function read({ pool }: LomsDatabase) {
  const parameters = [RELAY, LEASE_MS, [], 500, "remote_apply"] as const;
  return pool.run(ORDER_OUTBOX.read, parameters, testContext());
}

async function mark({ pool, run }: LomsDatabase) {
  const waiting = await run("select id from outbox order by id desc limit 2");
  const ids = waiting.map(({ id }) => BigInt(String(id)));
  const startedAt = performance.now();
  await pool.run(ORDER_OUTBOX.mark, [RELAY, ids, false], testContext());
  return performance.now() - startedAt;
}

async function compare(empty: LomsDatabase, full: LomsDatabase): Promise<string> {
  const rows = [["statement", "empty, ms", "with a past, ms", "ratio"]];
  for (const name of Object.keys(STATEMENTS) as Name[]) {
    const times = [empty, full].map((database) => ({ database, ms: [] as number[] }));
    for (let round = 0; round < ROUNDS; round++) {
      for (const { database, ms } of times) ms.push(await timed(name, database));
    }
    const [reference = NaN, subject = NaN] = times.map(({ ms }) => median(ms));
    const ratio = (subject / reference).toFixed(2);
    rows.push([name, reference.toFixed(2), subject.toFixed(2), `${ratio}x`]);
  }
  return table(rows);
}

/** The median of some calls, in ms. */
async function timed(name: Name, database: LomsDatabase): Promise<number> {
  // Takes the lease.
  await read(database);
  const ms: number[] = [];
  for (let call = 0; call < CALLS; call++) {
    if (name.endsWith("2 events")) {
      await database.run(`insert into outbox (order_id, user_id, seq, status, at, traceparent)
        select 1, 7, seq, 'new', now(), 't' from generate_series(1, 2) seq`);
    }
    const startedAt = performance.now();
    const result = await STATEMENTS[name](database);
    ms.push(typeof result === "number" ? result : performance.now() - startedAt);
    if (name === "read of 2 events") await mark(database);
  }
  return median(ms);
}
