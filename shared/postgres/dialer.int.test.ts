import { createServer, type Server, Socket } from "node:net";
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from "vitest";
import { openClient } from "./open-client.ts";

let primary: URL;
let standby: URL;
/** Takes connections and never says a word. */
let silent: Server;
let silentPort: number;

beforeAll(async () => {
  const { primaryUrl, replicaUrl } = inject("postgres");
  [primary, standby] = [new URL(primaryUrl), new URL(replicaUrl)];
  silent = createServer((socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  silentPort = (silent.address() as { port: number }).port;
});
afterAll(() => {
  silent.close();
});

/** A URL of the test's servers, with its account. */
const urlOf = (ports: readonly (number | string)[], query = "") =>
  `postgres://${primary.username}:${primary.password}@` +
  `${ports.map((port) => `127.0.0.1:${port}`).join(",")}/postgres?${query}`;

async function ask(url: string, connectTimeoutMs = 5_000): Promise<unknown> {
  const client = openClient({ url, applicationName: "test", connectTimeoutMs }, { max: 1 });
  try {
    const [row] = await client.unsafe<{ standby: boolean }[]>(
      "select pg_is_in_recovery() as standby",
    );
    return row?.standby ? "standby" : "primary";
  } finally {
    await client.end({ timeout: 0 });
  }
}

test("no part of a statement waits for the answer to the one before", async () => {
  const setNoDelay = vi.spyOn(Socket.prototype, "setNoDelay");
  onTestFinished(() => setNoDelay.mockRestore());
  expect(await ask(urlOf([primary.port]))).toBe("primary");
  expect(setNoDelay).toHaveBeenCalledExactlyOnceWith(true);
});

test("the next server is tried when one is down, and when one says nothing in time", async () => {
  expect(await ask(urlOf([1, primary.port]))).toBe("primary");
  expect(await ask(urlOf([silentPort, standby.port]), 200)).toBe("standby");
});

test.each([
  ["any", "standby"],
  ["read-write", "primary"],
  ["primary", "primary"],
  ["read-only", "standby"],
  ["standby", "standby"],
  ["prefer-standby", "standby"],
])("target_session_attrs=%s finds the %s", async (attributes, found) => {
  const query = `target_session_attrs=${attributes}`;
  expect(await ask(urlOf([standby.port, primary.port], query))).toBe(found);
});

test("target_session_attrs=prefer-standby takes a primary where there is no standby", async () => {
  expect(await ask(urlOf([primary.port], "target_session_attrs=prefer-standby"))).toBe("primary");
});

test.each([
  ["every server that fails", () => urlOf([1, 2]), /127.0.0.1:1: .*ECONNREFUSED.*127.0.0.1:2: /],
  [
    "a server of another kind",
    () => urlOf([standby.port], "target_session_attrs=primary"),
    /is not primary, as target_session_attrs asks/,
  ],
  ["a server without TLS", () => urlOf([primary.port], "sslmode=require"), /does not encrypt/],
  [
    "a wrong password, once",
    () => urlOf([primary.port, 1]).replace(primary.password, "wrong"),
    /^password authentication failed/,
  ],
])("a failure names %s", async (_what, url, reason) => {
  await expect(ask(url())).rejects.toThrow(reason);
});

test("a server that hangs up at once fails each query, more often than there are connections", async () => {
  const away = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => away.listen(0, "127.0.0.1", resolve));
  const { port } = away.address() as { port: number };
  const client = openClient({ url: urlOf([port]), applicationName: "t", connectTimeoutMs: 500 }, {
    max: 2,
    backoff: () => 0,
  });
  for (let tries = 0; tries < 5; tries++) {
    await expect(client.unsafe("select 1")).rejects.toThrow("it hung up");
  }
  await client.end({ timeout: 0 });
  away.close();
});

test("end() ends a connection that is just being made", async () => {
  const client = openClient({
    url: urlOf([silentPort]),
    applicationName: "test",
    connectTimeoutMs: 60_000,
  }, { max: 1 });
  const asked = client.unsafe("select 1").catch((error: unknown) => error);
  const connections = () =>
    new Promise((resolve) => silent.getConnections((_error, count) => resolve(count)));
  await expect.poll(connections).toBe(1);
  await client.end({ timeout: 0 });
  expect(await asked).toBeInstanceOf(Error);
  await expect.poll(connections).toBe(0);
});
