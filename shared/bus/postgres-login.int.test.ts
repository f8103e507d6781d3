import { Socket } from "node:net";
import { PgBoss } from "pg-boss";
import { expect, inject, onTestFinished, test, vi } from "vitest";
import { dialedLogin } from "./postgres-login.ts";

/** The first row of a query through the bus's pool. */
async function query<Row>(text: string): Promise<Row | undefined> {
  const { login, dialer } = dialedLogin(inject("postgres").primaryUrl, 5_000);
  const boss = new PgBoss({ ...login as object, max: 1 });
  const db = boss.getDb() as ReturnType<typeof boss.getDb> & {
    open(): Promise<void>;
    close(): Promise<void>;
  };
  await db.open();
  try {
    return (await db.executeSql(text)).rows[0] as Row;
  } finally {
    await db.close();
    dialer.close();
  }
}

test("the bus's connections use TCP keepalive, as keepalives=1 requires", async () => {
  const setKeepAlive = vi.spyOn(Socket.prototype, "setKeepAlive");
  onTestFinished(() => setKeepAlive.mockRestore());
  await query("select 1");
  expect(setKeepAlive).toHaveBeenCalledWith(true, expect.anything());
});

test("variables of libpq have no effect", async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("PGOPTIONS", "-c geqo=off");
  vi.stubEnv("PGREPLICATION", "database");
  vi.stubEnv("PGCLIENT_ENCODING", "latin1");
  vi.stubEnv("PGSSLNEGOTIATION", "direct");
  const text = `select current_setting('geqo') as geqo,
    current_setting('client_encoding') as encoding, 'ü' as umlaut`;
  expect(await query(text)).toEqual({ geqo: "on", encoding: "UTF8", umlaut: "ü" });
});
