import { Socket } from "node:net";
import { PgBoss } from "pg-boss";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { dialedLogin } from "./postgres-login.ts";

/** What the server says to a query of the bus's pool. */
async function ask<Row>(question: string): Promise<Row | undefined> {
  const { login, dialer } = dialedLogin(inject("postgres").primaryUrl, 5_000);
  const boss = new PgBoss({ ...login as object, max: 1 });
  const db = boss.getDb() as ReturnType<typeof boss.getDb> & {
    open(): Promise<void>;
    close(): Promise<void>;
  };
  await db.open();
  try {
    return (await db.executeSql(question)).rows[0] as Row;
  } finally {
    await db.close();
    dialer.close();
  }
}

test("the bus's connections are kept alive, as keepalives=1 says", async () => {
  const setKeepAlive = vi.spyOn(Socket.prototype, "setKeepAlive");
  onTestFinished(() => setKeepAlive.mockRestore());
  await ask("select 1");
  expect(setKeepAlive).toHaveBeenCalledWith(true, expect.anything());
});

test("variables of libpq change nothing", async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("PGOPTIONS", "-c geqo=off");
  vi.stubEnv("PGREPLICATION", "database");
  vi.stubEnv("PGCLIENT_ENCODING", "latin1");
  vi.stubEnv("PGSSLNEGOTIATION", "direct");
  const question = `select current_setting('geqo') as geqo,
    current_setting('client_encoding') as encoding, 'ü' as umlaut`;
  expect(await ask(question)).toEqual({ geqo: "on", encoding: "UTF8", umlaut: "ü" });
});
