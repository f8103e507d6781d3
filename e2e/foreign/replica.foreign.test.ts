import postgres from "postgres";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { freePorts } from "../../stack/ports.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import type { Stack } from "../../stack/start.ts";
import { startAlone } from "../alone.ts";
import { eventually } from "../eventually.ts";
import { call } from "../http.ts";
import { startOwnStack } from "../own-stack.ts";
import { expectProblem } from "../problems.ts";
import { type Shop, shopAt } from "../shop.ts";
import { underLoad } from "../under-load.ts";
import { newUser } from "../users.ts";
import { databaseSettings, SERVICE_DATABASES, startDebianPair } from "./debian-postgres.ts";

const programs = inject("foreign");

const SKU = 1_625_903;
const ORDERS = 20;
/** Both standbys apply commits with this delay; PostgreSQL's default does not wait for it. */
const SETTINGS = { synchronous_commit: "on", recovery_min_apply_delay: "100ms" };
const BOTH = "FIRST 2 (standby1, standby2)";

describe.skipIf(!programs)("replicas of a PostgreSQL with its own defaults", () => {
  let pair: PostgresPair;
  let admin: postgres.Sql;
  let standbys: postgres.Sql[];
  let stack: Stack;
  let shop: Shop;

  beforeAll(async () => {
    if (!programs) return;
    pair = await startDebianPair(programs, {
      settings: SETTINGS,
      replicas: 2,
      databases: SERVICE_DATABASES,
    });
    admin = postgres(pair.primaryUrl("loms"), { max: 1 });
    standbys = pair.replicaUrls("loms").map((url) => postgres(url, { max: 1 }));
    stack = await startOwnStack({ environment: databaseSettings(pair) });
    shop = shopAt(stack);
  });
  afterEach(async () => {
    await waitFor(BOTH);
    await until("synchronous");
  });
  afterAll(async () => {
    await stack?.close();
    await Promise.all([admin, ...standbys].map((sql) => sql?.end()));
    await pair?.close();
  });

  async function waitFor(names: string): Promise<void> {
    await admin.unsafe(`alter system set synchronous_standby_names = '${names}'`);
    await admin`select pg_reload_conf()`;
  }

  async function metricsOf(url = stack.urls.loms ?? ""): Promise<string> {
    return (await call(url, "GET /metrics")).text;
  }

  const until = (state: string, url?: string) =>
    eventually(async () =>
      expect(await metricsOf(url)).toMatch(
        new RegExp(`^db_replication_state\\{state="${state}"\\} 1$`, "m"),
      )
    );

  /** The number of orders that the standbys have read by id, from their own statistics. */
  async function readsOnStandbys(): Promise<number> {
    const counts = standbys.map(async (standby) => {
      const [row] = await standby<{ read: number }[]>`
        select idx_scan::int as read from pg_stat_user_indexes where indexrelname = 'orders_pkey'`;
      return row?.read ?? 0;
    });
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  }

  /** Acknowledged orders that the next read did not show. */
  async function missed(there: Shop): Promise<number> {
    let missing = 0;
    for (let order = 0; order < ORDERS; order++) {
      const orderID = await there.create(newUser(), SKU, 1);
      await there.status(orderID).catch(() => missing++);
    }
    return missing;
  }

  async function expectRefused(reason: string): Promise<void> {
    await until("refusing");
    const order = await shop.tryCreate(newUser(), [{ sku: SKU, count: 1 }]);
    expectProblem(order, 503);
    const ready = await call(stack.urls.loms ?? "", "GET /readyz");
    expect([ready.status, ready.body]).toMatchObject([503, {
      reasons: { replica: expect.stringContaining(reason) },
    }]);
  }

  test("with delayed replay, each acknowledged order is readable at once", async () => {
    await until("synchronous");
    const before = await readsOnStandbys();
    expect(await missed(shop)).toBe(0);
    // A server updates its statistics within about a second.
    await eventually(async () =>
      expect(await readsOnStandbys() - before).toBeGreaterThan(ORDERS / 2)
    );
  });

  test("reads find each acknowledged order without synchronous standbys", async () => {
    let missing = 0;
    let acknowledged = 0;
    const buyOn = async (isOpen: () => boolean) => {
      while (isOpen()) {
        const { status, body } = await shop.tryCreate(newUser(), [{ sku: SKU, count: 1 }]);
        if (status !== 200) continue;
        acknowledged++;
        await shop.status(body["orderID"] as number).catch(() => missing++);
      }
    };
    const buyers = (isOpen: () => boolean) =>
      Promise.all(Array.from({ length: 8 }, () => buyOn(isOpen)));
    await underLoad(buyers, async () => {
      await eventually(() => expect(acknowledged).toBeGreaterThan(ORDERS));
      await waitFor("");
      await until("refusing");
    });
    expect(missing).toBe(0);
  });

  test("no synchronous standby: strict refuses writes, and the primary serves reads", async () => {
    const order = await shop.create(newUser(), SKU, 1);
    await waitFor("");
    await expectRefused("no listed replica is synchronous (replica 1: async, replica 2: async)");
    expect(await shop.status(order)).toBe("awaiting payment");
  });

  test("with a quorum, whose members may lack a commit, strict refuses writes", async () => {
    await waitFor("ANY 1 (standby1, standby2)");
    await expectRefused("(replica 1: quorum, replica 2: quorum)");
  });

  test("a potential standby serves no reads", async () => {
    await waitFor("FIRST 1 (standby1, standby2)");
    await eventually(async () => {
      const [row] = await admin`
        select sync_state from pg_stat_replication where application_name = 'standby2'`;
      expect(row?.["sync_state"]).toBe("potential");
    });
    await standbys[1]?.unsafe("select pg_wal_replay_pause()");
    try {
      // loms checks the replicas twice a second.
      await eventually(async () => expect(await missed(shop)).toBe(0));
    } finally {
      await standbys[1]?.unsafe("select pg_wal_replay_resume()");
    }
  });

  test("policy degrade continues without a synchronous replica", async () => {
    const [http, grpc, admin, profile] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
    await waitFor("");
    const alone = await startAlone("loms", {
      ...databaseSettings(pair),
      LOMS_HTTP: `${http}`,
      LOMS_GRPC: `${grpc}`,
      LOMS_ADMIN: `${admin}`,
      LOMS_PROFILE: `${profile}`,
      SYNC_REPLICA_POLICY: "degrade",
      SYNC_REPLICA_DEGRADE_AFTER: "1s",
    }, `http://${http}`);
    await until("degraded", `http://${http}`);
    expect(await missed(shopAt({ urls: { ...stack.urls, loms: `http://${http}` } }))).toBe(0);
    const ready = await call(`http://${http}`, "GET /readyz");
    expect(ready.body).toMatchObject({
      warnings: { replica: expect.stringContaining("replica 1: async") },
    });
    alone.signal("SIGTERM");
    expect(await alone.ended, alone.output()).toBe("exit code 0");
  });

  test("standbys without a slot and with one name must all be synchronous", async () => {
    for (const standby of standbys) {
      const [row] = await standby`show primary_conninfo`;
      const nameless = String(row?.["primary_conninfo"]).replace(/application_name=\S+/, "");
      await standby.unsafe(`alter system set primary_conninfo = '${nameless}'`);
      await standby`alter system set primary_slot_name = ''`;
      await standby`select pg_reload_conf()`;
    }
    await waitFor("FIRST 1 (walreceiver)");
    await expectRefused("(replica 1: ambiguous, replica 2: ambiguous)");
    await waitFor("FIRST 2 (walreceiver)");
    await until("synchronous");
    expect(await missed(shop)).toBe(0);
    for (const standby of standbys) {
      await standby`alter system reset all`;
      await standby`select pg_reload_conf()`;
    }
  });
});
