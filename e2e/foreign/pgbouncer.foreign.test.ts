import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { lomsConfig } from "../../loms/config.ts";
import { type RunningLoms, startLoms } from "../../loms/service.ts";
import { notifierConfig } from "../../notifier/config.ts";
import { startNotifier } from "../../notifier/service.ts";
import { openClient } from "../../shared/postgres/open-client.ts";
import { sharesSessions } from "../../shared/postgres/pooler.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import { eventually } from "../eventually.ts";
import { startDebianPair } from "./debian-postgres.ts";
import { type PgBouncer, type PoolMode, startPgBouncer } from "./pgbouncer.ts";

const programs = inject("foreign");
const MODES = ["session", "transaction"] as const;
/** For each test. */
const DATABASES = MODES.flatMap((mode) => [`loms_${mode}`, `notifier_${mode}`, `bus_${mode}`]);
/** Fewer than the connections of one loms, so that they share. */
const SESSIONS = 4;
const ORDERS = 20;
const SKU = 1_625_903;

describe.skipIf(!programs)("behind PgBouncer of Debian", () => {
  let pair: PostgresPair;
  let pooler: PgBouncer;
  const running: { close(): Promise<void> }[] = [];
  const lines: string[] = [];
  const logged: string[] = [];
  const log = createLogger({ service: "loms", level: "warn", write: (line) => logged.push(line) });

  beforeAll(async () => {
    if (!programs) return;
    pair = await startDebianPair(programs, { databases: DATABASES });
    const url = pair.primaryUrl("postgres");
    pooler = await startPgBouncer(programs, url, DATABASES, SESSIONS);
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.close()));
    [lines.length, logged.length] = [0, 0];
  });
  afterAll(async () => {
    await pooler?.close();
    await pair?.close();
  });

  const through = (name: string, mode: PoolMode) =>
    pooler.through(pair.primaryUrl(`${name}_${mode}`), mode);

  async function loms(mode: PoolMode, environment: Record<string, string>): Promise<RunningLoms> {
    const config = lomsConfig({
      DATABASE_URL: through("loms", mode),
      LOMS_HTTP: "127.0.0.1:0",
      LOMS_GRPC: "127.0.0.1:0",
      LOMS_ADMIN: "127.0.0.1:0",
      LOMS_PROFILE: "127.0.0.1:0",
      ...environment,
    });
    const service = await startLoms(config, log);
    running.push(service);
    return service;
  }

  async function notifier(mode: PoolMode, environment: Record<string, string>): Promise<void> {
    const config = notifierConfig({
      NOTIFIER_DATABASE_URL: through("notifier", mode),
      NOTIFIER_HTTP: "127.0.0.1:0",
      NOTIFIER_PROFILE: "127.0.0.1:0",
      LOG_FORMAT: "json",
      ...environment,
    });
    const output = {
      write(text: string, done: () => void) {
        lines.push(...text.trimEnd().split("\n"));
        done();
      },
    };
    running.push(await startNotifier(config, { log, output }));
  }

  /** Places concurrent orders, and reads and pays each. */
  async function buy({ url }: RunningLoms, orders: number): Promise<void> {
    const post = async (path: string, body: object) => {
      const response = await fetch(`${url}/v1/order/${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      expect(response.status, await response.clone().text()).toBe(200);
      return await response.json() as { orderID: number; status: string };
    };
    await Promise.all(Array.from({ length: orders }, async () => {
      const items = [{ sku: SKU, count: 1 }];
      const { orderID } = await post("create", { user: 1, items });
      expect(await post("info", { orderID })).toMatchObject({ status: "awaiting payment" });
      await post("pay", { orderID });
    }));
  }

  /** Errors of the server or the pooler; on a busy machine a wait may time out as well. */
  const refusals = () => logged.filter((line) => line.includes("PostgresError"));

  const areShown = (orders: number) =>
    eventually(() => expect(lines.length).toBeGreaterThanOrEqual(3 * orders));

  test("in session mode everything works without a setting, and so does the bus", async () => {
    const bus = { BUS_DATABASE_URL: through("bus", "session") };
    const [service] = await Promise.all([loms("session", bus), loms("session", bus)]);
    await notifier("session", bus);
    await buy(service, ORDERS);
    await areShown(ORDERS);
    expect(refusals()).toEqual([]);
  });

  test("in transaction mode loms and the notifier work without prepared statements", async () => {
    const bus = { BUS_DATABASE_URL: pair.primaryUrl("bus_transaction") };
    const without = { ...bus, DATABASE_PREPARED_STATEMENTS: "false" };
    // Both migrate one empty database.
    const [service] = await Promise.all([
      loms("transaction", without),
      loms("transaction", without),
    ]);
    await notifier("transaction", { ...bus, NOTIFIER_DATABASE_PREPARED_STATEMENTS: "false" });
    await buy(service, ORDERS);
    await areShown(ORDERS);
    expect(refusals()).toEqual([]);
    await expectCleanSessions("loms_transaction");
  });

  test("in transaction mode the bus reports that it needs LISTEN, and events wait", async () => {
    const bus = { BUS_DATABASE_URL: through("bus", "transaction") };
    await loms("transaction", { ...bus, DATABASE_PREPARED_STATEMENTS: "false" });
    await eventually(() => expect(logged.join()).toContain("the embedded bus needs LISTEN"));
    await expect(
      notifier("transaction", { ...bus, NOTIFIER_DATABASE_PREPARED_STATEMENTS: "false" }),
    )
      .rejects.toThrow("the embedded bus needs LISTEN");
  });

  test("sharesSessions() distinguishes the pool modes", async () => {
    expect(await sharesSessions(pair.primaryUrl("bus_session"))).toBe(false);
    expect(await sharesSessions(through("bus", "session"))).toBe(false);
    expect(await sharesSessions(through("bus", "transaction"))).toBe(true);
  });

  /** Inspects the sessions that the pooler assigns. */
  async function expectCleanSessions(database: string): Promise<void> {
    const url = pooler.through(pair.primaryUrl(database), "transaction");
    const look = openClient({ url, applicationName: "look", connectTimeoutMs: 5_000 }, {
      max: SESSIONS,
    });
    const seen = await Promise.all(
      Array.from({ length: SESSIONS }, () =>
        look.unsafe(`select pg_sleep(0.2),
        (select count(*)::int from pg_prepared_statements) as prepared,
        (select count(*)::int from pg_locks join pg_database on oid = database
          where locktype = 'advisory' and datname = current_database()) as locks,
        (select coalesce(string_agg(name, ','), '') from pg_settings where source = 'session'
          and name not in ('application_name', 'client_encoding', 'DateStyle', 'TimeZone',
            'standard_conforming_strings')) as settings`)),
    );
    expect(seen.map(([row]) => row)).toEqual(
      seen.map(() => ({ pg_sleep: "", prepared: 0, locks: 0, settings: "" })),
    );
    await look.end({ timeout: 1 });
  }
});
