import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { lomsConfig } from "../../loms/config.ts";
import { startLoms } from "../../loms/service.ts";
import { notifierConfig } from "../../notifier/config.ts";
import { startNotifier } from "../../notifier/service.ts";
import { ORDER_EVENTS } from "../../proto/order-event.ts";
import { PostgresBus } from "../../shared/bus/postgres.ts";
import { openClient } from "../../shared/postgres/open-client.ts";
import { createLogger } from "../../shared/telemetry/log.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import { startDebianPair } from "./debian-postgres.ts";

const programs = inject("foreign");
const SERVICES = ["loms", "notifier", "bus"] as const;
type Name = (typeof SERVICES)[number];
/** Concurrent processes, besides one for the other database. */
const MIGRATORS = 3;

describe.skipIf(!programs)("on a PostgreSQL of Debian", () => {
  let pair: PostgresPair;
  const running: { close(): Promise<void> }[] = [];
  const logged: string[] = [];
  const log = createLogger({ service: "loms", level: "warn", write: (line) => logged.push(line) });

  beforeAll(async () => {
    if (!programs) return;
    pair = await startDebianPair(programs, { databases: [...SERVICES, "empty", "kit"] });
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((service) => service.close()));
  });
  afterAll(() => pair?.close());

  /** The rows of the last statement; each of `statements` may be several. */
  async function query(url: string, ...statements: readonly string[]): Promise<unknown[]> {
    const client = openClient({ url, applicationName: "test", connectTimeoutMs: 5_000 }, {
      max: 1,
    });
    try {
      let rows: unknown[] = [];
      for (const statement of statements) rows = [...await client.unsafe(statement)];
      return rows;
    } finally {
      await client.end();
    }
  }

  /** The URL of a database for the role of a service. */
  function as(service: Name, database = pair.primaryUrl(service)): string {
    const url = new URL(database);
    [url.username, url.password] = [`${service}_service`, "secret"];
    return url.href;
  }

  const run = (args: readonly string[], environment: Record<string, string>) =>
    promisify(execFile)(args[0] ?? "", args.slice(1), {
      cwd: PROJECT_DIRECTORY,
      env: { PATH: process.env.PATH, ...environment },
    }).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error: { code: number; stdout: string; stderr: string }) => ({
        code: error.code,
        output: error.stdout + error.stderr,
      }),
    );
  const migrate = (name: "loms" | "notifier", url: string) => {
    const setting = name === "loms" ? "DATABASE_URL" : "NOTIFIER_DATABASE_URL";
    return run([...commandFor("node", "drizzle/main.ts", []), name], { [setting]: url });
  };
  const applied = (url: string) =>
    query(
      url,
      "select count(*)::int, count(distinct hash)::int as different from drizzle.loms_migrations",
    );

  test("npm run migrate succeeds in each of several concurrent processes", async () => {
    const all = Array.from({ length: MIGRATORS }, () => migrate("loms", pair.primaryUrl("loms")));
    const ends = await Promise.all([...all, migrate("notifier", pair.primaryUrl("notifier"))]);
    expect(ends.map(({ code, output: text }) => code === 0 || text)).toEqual(ends.map(() => true));
    const [{ count, different }] = await applied(pair.primaryUrl("loms")) as [
      { count: number; different: number },
    ];
    expect(count).toBeGreaterThan(0);
    expect(different).toBe(count);
  });

  test("npm run migrate reports the database and the reason, and exits with 1", async () => {
    const url = new URL(pair.primaryUrl("empty"));
    url.password = "hunter2";
    const port = String(url.port);
    const [refused, away, unset, wrong] = await Promise.all([
      migrate("loms", url.href),
      migrate("notifier", "postgres://me:hunter2@127.0.0.1:1/shop"),
      migrate("loms", ""),
      migrate("loms", "postgres://me:hunter2@h/d?sslmode=maybe"),
    ]);
    expect(refused).toMatchObject({
      code: 1,
      output: `DATABASE_URL: cannot migrate 127.0.0.1:${port}, database empty, as postgres: ` +
        'password authentication failed for user "postgres"\n',
    });
    expect(away.code).toBe(1);
    expect(away.output).toMatch(
      /^NOTIFIER_DATABASE_URL: cannot migrate 127.0.0.1:1, database shop, as me: .*ECONNREFUSED/,
    );
    expect(unset).toMatchObject({
      code: 1,
      output: expect.stringContaining("DATABASE_URL: is not"),
    });
    expect(wrong).toMatchObject({
      code: 1,
      output: expect.stringContaining("DATABASE_URL: has a ssl"),
    });
    expect(JSON.stringify([refused, away, wrong])).not.toContain("hunter2");
  });

  test("drizzle-kit and npm run migrate continue where the other stopped", async () => {
    const url = pair.primaryUrl("kit");
    const kit = ["node", "node_modules/drizzle-kit/bin.cjs", "migrate"];
    const byKit = () =>
      run([...kit, "--config", "drizzle/loms/drizzle.config.ts"], { DATABASE_URL: url });
    expect(await byKit()).toMatchObject({ code: 0 });
    const before = await applied(url);
    expect(await migrate("loms", url)).toMatchObject({ code: 0 });
    expect(await applied(url)).toEqual(before);
    expect(await applied(pair.primaryUrl("loms"))).toEqual(before);
    const reset = "drop schema drizzle cascade; drop schema public cascade; create schema public";
    await query(url, reset);
    expect(await migrate("loms", url)).toMatchObject({ code: 0 });
    expect(await byKit()).toMatchObject({ code: 0 });
    expect(await applied(url)).toEqual(before);
  });

  test("roles with only the committed grants run loms, the notifier and the bus", async () => {
    const bus = new PostgresBus({ url: pair.primaryUrl("bus"), log });
    await bus.ensureTopic(ORDER_EVENTS);
    await bus.close();
    for (
      const [file, service] of [...SERVICES.map((name) => [name, name]), ["loms-monitor", "loms"]]
    ) {
      const path = `${PROJECT_DIRECTORY}/deploy/postgres/grants/${file}.sql`;
      const role = `create role ${file}_service login password 'secret'`;
      const url = pair.primaryUrl(service ?? "");
      await query(url, ...(file === service ? [role] : []), readFileSync(path, "utf8"));
    }

    const environment = { BUS_DATABASE_URL: as("bus"), LOG_FORMAT: "json" };
    const loms = await startLoms(lomsSettings(as("loms")), log);
    running.push(loms);
    const shown: string[] = [];
    const output = {
      write(text: string, done: () => void) {
        for (const line of text.trimEnd().split("\n")) {
          shown.push((JSON.parse(line) as { status: string }).status);
        }
        done();
      },
    };
    const settings = notifierConfig({
      ...environment,
      NOTIFIER_DATABASE_URL: as("notifier"),
      NOTIFIER_HTTP: "127.0.0.1:0",
      NOTIFIER_PROFILE: "127.0.0.1:0",
    });
    running.push(await startNotifier(settings, { log, output }));
    const response = await fetch(`${loms.url}/v1/order/create`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": "once" },
      body: `{"user": 1, "items": [{"sku": 1002, "count": 1}]}`,
    });
    expect(response.status).toBe(200);
    await expect.poll(() => shown, { timeout: 15_000 })
      .toEqual(["new", "awaiting payment", "cancelled"]);
    expect((await fetch(`${loms.url}/readyz`)).status).toBe(200);
    expect(logged).toEqual([]);
    for (const name of SERVICES) {
      await expect(query(as(name), "create table mine ()")).rejects.toThrow("permission denied");
    }
    await expect(startLoms(lomsSettings(as("loms", pair.primaryUrl("empty"))), log))
      .rejects.toThrow(/cannot migrate .*, as loms_service: permission denied .*npm run migrate/);
  });

  function lomsSettings(url: string) {
    return lomsConfig({
      DATABASE_URL: url,
      DATABASE_REPLICA_URLS: as("loms", pair.replicaUrls("loms")[0]),
      BUS_DATABASE_URL: as("bus"),
      LOMS_HTTP: "127.0.0.1:0",
      LOMS_GRPC: "127.0.0.1:0",
      LOMS_ADMIN: "127.0.0.1:0",
      LOMS_PROFILE: "127.0.0.1:0",
      ORDER_PAYMENT_TIMEOUT: "500ms",
    });
  }
});
