import { connect, createServer, type Server, Socket } from "node:net";
import { afterAll, beforeAll, expect, inject, onTestFinished, test, vi } from "vitest";
import { openClient } from "./open-client.ts";

let primary: URL;
let standby: URL;
/** Accepts connections and never answers. */
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

async function roleOf(url: string, connectTimeoutMs = 5_000): Promise<unknown> {
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

test("a statement sent in parts is not delayed between them", async () => {
  const setNoDelay = vi.spyOn(Socket.prototype, "setNoDelay");
  onTestFinished(() => setNoDelay.mockRestore());
  expect(await roleOf(urlOf([primary.port]))).toBe("primary");
  expect(setNoDelay).toHaveBeenCalledExactlyOnceWith(true);
});

/** Polls; on a busy machine the time may be too short for the server that answers. */
const roleWithin = (connectTimeoutMs: number, url: string) =>
  expect.poll(() => roleOf(url, connectTimeoutMs).catch(() => undefined));

test("the next server is tried if one is down, or does not answer in time", async () => {
  expect(await roleOf(urlOf([1, primary.port]))).toBe("primary");
  await roleWithin(200, urlOf([silentPort, standby.port])).toBe("standby");
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
  expect(await roleOf(urlOf([standby.port, primary.port], query))).toBe(found);
});

test("target_session_attrs=prefer-standby accepts a primary if there is no standby", async () => {
  expect(await roleOf(urlOf([primary.port], "target_session_attrs=prefer-standby"))).toBe(
    "primary",
  );
});

test.each([
  ["every server that fails", () => urlOf([1, 2]), /127.0.0.1:1: .*ECONNREFUSED.*127.0.0.1:2: /],
  [
    "a server of another kind",
    () => urlOf([standby.port], "target_session_attrs=primary"),
    /is not primary, as target_session_attrs requires/,
  ],
  ["a server without TLS", () => urlOf([primary.port], "sslmode=require"), /does not encrypt/],
  [
    "a wrong password, once",
    () => urlOf([primary.port, 1]).replace(primary.password, "wrong"),
    /^password authentication failed/,
  ],
])("a failure names %s", async (_what, url, reason) => {
  await expect(roleOf(url())).rejects.toThrow(reason);
});

test("a server that disconnects fails each query, also beyond the pool's size", async () => {
  const away = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve) => away.listen(0, "127.0.0.1", resolve));
  const { port } = away.address() as { port: number };
  const client = openClient(
    { url: urlOf([port]), applicationName: "t", connectTimeoutMs: 60_000 },
    {
      max: 2,
      backoff: () => 0,
    },
  );
  for (let tries = 0; tries < 5; tries++) {
    await expect(client.unsafe("select 1")).rejects.toThrow("the server closed the connection");
  }
  await client.end({ timeout: 0 });
  away.close();
});

test("end() closes a connection that is being opened", async () => {
  const client = openClient({
    url: urlOf([silentPort]),
    applicationName: "test",
    connectTimeoutMs: 60_000,
  }, { max: 1 });
  const queried = client.unsafe("select 1").catch((error: unknown) => error);
  const connections = () =>
    new Promise((resolve) => silent.getConnections((_error, count) => resolve(count)));
  await expect.poll(connections).toBe(1);
  await client.end({ timeout: 0 });
  expect(await queried).toBeInstanceOf(Error);
  await expect.poll(connections).toBe(0);
});

test("variables of libpq have no effect", async () => {
  onTestFinished(() => void vi.unstubAllEnvs());
  vi.stubEnv("PGTARGETSESSIONATTRS", "leader");
  vi.stubEnv("PGMAX_LIFETIME", "0.001");
  vi.stubEnv("PGAPPNAME", "hostile");
  expect(await roleOf(urlOf([standby.port]))).toBe("standby");
  expect(await roleOf(urlOf([primary.port, standby.port], "target_session_attrs=standby")))
    .toBe("standby");
});

const LOGGED_IN = Buffer.from([82, 0, 0, 0, 8, 0, 0, 0, 0, 90, 0, 0, 0, 5, 73]);

/** A server whose n-th answer on each connection is `answers[n]`; after the last it is silent. */
async function scripted(...answers: ((socket: Socket) => void)[]) {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    let received = 0;
    socket.on("error", () => {}).on("close", () => connections--);
    socket.on("data", () => answers[received++]?.(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as { port: number };
  return { port, connections: () => connections };
}

const logIn = (socket: Socket) => void socket.write(LOGGED_IN);
const hangUp = (socket: Socket) => void socket.destroy();

test("the next server is tried if one hangs after the login", async () => {
  const frozen = await scripted(logIn);
  await roleWithin(500, urlOf([frozen.port, primary.port], "sslmode=disable")).toBe("primary");
  await expect.poll(frozen.connections).toBe(0);
});

test.each([
  ["before the login", [hangUp]],
  ["after the login", [logIn, hangUp]],
])(
  "the next server is tried if one disconnects %s, also without a timeout",
  async (_when, script) => {
    const { port } = await scripted(...script);
    const query = "sslmode=disable&connect_timeout=0";
    expect(await roleOf(urlOf([port, primary.port], query))).toBe("primary");
  },
);

test("end() aborts the inspection of a server, also without a timeout", async () => {
  const frozen = await scripted(logIn);
  const query = "sslmode=disable&connect_timeout=0&target_session_attrs=primary";
  const url = urlOf([frozen.port], query);
  const client = openClient({ url, applicationName: "test", connectTimeoutMs: 500 }, { max: 1 });
  const queried = client.unsafe("select 1").catch((error: unknown) => error);
  await expect.poll(frozen.connections).toBe(1);
  await client.end({ timeout: 0 });
  expect(await queried).toBeInstanceOf(Error);
  await expect.poll(frozen.connections).toBe(0);
});

/** A proxy that refuses plain connections once it is closed to them. */
async function plainGate(upstreamPort: string) {
  const passed = new Set<Socket>();
  let isClosed = false;
  const answer = (socket: Socket, first: Buffer) => {
    if (isClosed) return void socket.end(first.length === SSL_REQUEST_BYTES ? "N" : REFUSED);
    passed.add(socket);
    const upstream = connect(Number(upstreamPort), "127.0.0.1");
    upstream.on("error", () => {}).on("close", () => socket.destroy()).write(first);
    socket.on("close", () => upstream.destroy()).pipe(upstream).pipe(socket);
  };
  const server = createServer((socket) => {
    socket.on("error", () => {}).once("data", (first: Buffer) => answer(socket, first));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const close = () => {
    isClosed = true;
    for (const socket of passed) socket.destroy();
  };
  return { port: (server.address() as { port: number }).port, close };
}

const SSL_REQUEST_BYTES = 8;
const REFUSED = Buffer.from("E\0\0\0\x20SFATAL\0C28000\0Mno plain one\0\0", "latin1");
REFUSED.writeUInt32BE(REFUSED.length - 1, 1);

test("an encryption that a server refuses is forgotten", async () => {
  const gate = await plainGate(primary.port);
  const url = urlOf([gate.port], "sslmode=allow");
  const client = openClient({ url, applicationName: "test", connectTimeoutMs: 5_000 }, {
    max: 1,
    backoff: () => 0,
  });
  onTestFinished(() => client.end({ timeout: 0 }));
  await client.unsafe("select 1");
  gate.close();
  // Once for the lost connection, and once for the known encryption.
  await expect(client.unsafe("select 1")).rejects.toThrow(/no plain one|CONNECTION/);
  await client.unsafe("select 1").catch(() => {});
  await expect(client.unsafe("select 1")).rejects.toThrow("the server does not encrypt");
});
