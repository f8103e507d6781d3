import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { freePorts } from "../../stack/ports.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import type { Stack } from "../../stack/start.ts";
import { spawnAlone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { expectNotifications } from "../notifications.ts";
import { startOwnStack } from "../own-stack.ts";
import { type Shop, shopAt } from "../shop.ts";
import { newUser } from "../users.ts";
import { databaseSettings, SERVICE_DATABASES, startDebianPair } from "./debian-postgres.ts";

const programs = inject("foreign");

const SKU = 1_625_903;
/** Records which functions Debian's PostgreSQL compiles. */
const SETTINGS = {
  "shared_preload_libraries": "pg_stat_statements",
  "pg_stat_statements.track": "all",
};

describe.skipIf(!programs)("a PostgreSQL with its own defaults", () => {
  let pair: PostgresPair;
  let admin: postgres.Sql;
  let stack: Stack;
  let shop: Shop;

  beforeAll(async () => {
    if (!programs) return;
    pair = await startDebianPair(programs, { settings: SETTINGS, databases: SERVICE_DATABASES });
    admin = postgres(pair.primaryUrl("loms"), { max: 1, onnotice: () => {} });
    await admin`create extension pg_stat_statements`;
    stack = await startOwnStack({ environment: databaseSettings(pair) });
    shop = shopAt(stack);
  });
  afterAll(async () => {
    await stack?.close();
    await admin?.end();
    await pair?.close();
  });

  test("no statement of the services is compiled, whatever its parameters", async () => {
    const order = await shop.create(newUser(), SKU, 1);
    await shop.pay(order);
    const cancelled = await shop.create(newUser(), SKU, 1);
    await shop.cancel(cancelled);
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
    await expectNotifications(stack, cancelled, ["new", "awaiting payment", "cancelled"]);
    await admin`select loms_outbox_mark(gen_random_uuid(), array[]::bigint[], true)`;
    await admin`select loms_outbox_clean(600000, 10)`;
    await admin`select * from loms_outbox_take_durable(gen_random_uuid(), 1000, 10, 'local')`;
    await admin`select loms_expire_orders_durable(10, 't', 1000, 'local')`;
    // The functions that an older loms calls, without a durability parameter.
    await admin`select * from loms_outbox_take(gen_random_uuid(), 1000, 10)`;
    await admin`select * from loms_order_change(array[0]::bigint[], array['t'], 'payed')`;
    await admin`select loms_expire_orders(10, 't')`;

    const called = await admin<{ name: string }[]>`
      select distinct substring(query from '(loms_[a-z_]+)[(]') as name
      from pg_stat_statements where query ~ 'loms_[a-z_]+[(]'`;
    expect(called.map(({ name }) => name)).toEqual(expect.arrayContaining([
      "loms_order_create_durable",
      "loms_order_change_durable",
      "loms_outbox_take_durable",
      "loms_outbox_mark",
      "loms_outbox_clean",
    ]));
    const compiled = await admin`
      select left(query, 60) as query, calls, jit_functions from pg_stat_statements
      join pg_database on pg_database.oid = dbid
      where datname = any (${[...SERVICE_DATABASES]}) and jit_functions > 0`;
    expect([...compiled]).toEqual([]);
  });

  test("no function has JIT enabled, even for expensive plans", async () => {
    const functions = await admin<{ name: string; settings: string[] | null; language: string }[]>`
      select proname as name, proconfig as settings, lanname as language
      from pg_proc join pg_language on pg_language.oid = prolang
      where starts_with(proname, 'loms_')`;
    expect(functions.length).toBeGreaterThan(8);
    for (const { name, settings, language } of functions) {
      // Functions in SQL only call others.
      if (language === "plpgsql") {
        expect([name, settings]).toEqual([name, expect.arrayContaining(["jit=off"])]);
      }
    }
  });

  async function ownSettings() {
    const [http, grpc, admin, profile] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
    return {
      ...databaseSettings(pair),
      LOMS_HTTP: `${http}`,
      LOMS_GRPC: `${grpc}`,
      LOMS_ADMIN: `${admin}`,
      LOMS_PROFILE: `${profile}`,
      NOTIFIER_HTTP: `${http}`,
      NOTIFIER_PROFILE: `${profile}`,
    };
  }

  test.each(
    [
      ["loms", "DATABASE_URL", "loms", "alter database loms set", "alter database loms reset"],
      [
        "notifier",
        "NOTIFIER_DATABASE_URL",
        "notifier",
        "alter role postgres set",
        "alter role postgres reset",
      ],
    ] as const,
  )(
    "%s refuses to start with serializable transactions, and names the statement to run",
    async (part, setting, database, given, taken) => {
      await admin.unsafe(`${given} default_transaction_isolation = 'serializable'`);
      const refused = await spawnAlone(part, await ownSettings());
      expect(await refused.ended).toBe("exit code 1");
      const remedy = /run (ALTER ROLE [^,]+ 'read committed')/.exec(refused.output())?.[1] ?? "";
      expect(remedy, refused.output()).toContain(`IN DATABASE ${database} SET`);
      expect(refused.output()).toContain(`the database of ${setting} has`);
      await admin.unsafe(remedy);
      const started = await spawnAlone(part, await ownSettings());
      await eventually(() => expect(started.output()).toContain(`${part} is listening`));
      started.signal("SIGTERM");
      expect(await started.ended, started.output()).toBe("exit code 0");
      await admin.unsafe(`${taken} default_transaction_isolation`);
    },
  );

  test("the bus does not depend on the isolation level of its database", async () => {
    await admin.unsafe("alter database bus set default_transaction_isolation = 'serializable'");
    await Promise.all([stack.restart("loms"), stack.restart("notifier")]);
    const orders = await Promise.all(
      Array.from({ length: 30 }, () => shop.create(newUser(), SKU, 1)),
    );
    for (const order of orders) {
      await expectNotifications(stack, order, ["new", "awaiting payment"]);
    }
    const bus = postgres(pair.primaryUrl("bus"), { max: 1 });
    const [own] = await bus`show default_transaction_isolation`;
    expect(own?.["default_transaction_isolation"]).toBe("serializable");
    await bus.end();
  });
});
