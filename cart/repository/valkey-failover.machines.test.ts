import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { eventually } from "../../e2e/eventually.ts";
import { createAuthority, readCertified } from "../../e2e/foreign/certificates.ts";
import {
  ownerOf,
  type SentinelGroup,
  startSentinelGroup,
  startStoreCluster,
  type StoreCluster,
} from "../../e2e/machines/store-groups.ts";
import { startStoreServer, type StoreServer } from "../../e2e/machines/store-server.ts";
import { newDataDirectory, removeDirectory } from "../../e2e/own-stack.ts";
import { readFileSync } from "node:fs";
import type { CheckoutAttempt } from "../domain/deps.ts";
import { LIMITS } from "../test/carts-under-test.ts";
import { openTestStore, testContext, type TestStore } from "../test/store-client.ts";

const stores = inject("stores");
const line = { sku: 10, count: 2 };
const unavailable = { code: "unavailable", retryAfterMs: 1_000 };

let directory: string;
let opened: TestStore[] = [];
beforeAll(() => {
  directory = newDataDirectory();
});
afterEach(() => {
  for (const store of opened) store.close();
  opened = [];
});
afterAll(() => removeDirectory(directory));

function openStore(...options: Parameters<typeof openTestStore>): TestStore {
  const store = openTestStore(...options);
  opened.push(store);
  return store;
}

async function beginAttempt({ carts }: TestStore, user: bigint): Promise<CheckoutAttempt> {
  const cart = await carts.readToOrder(user, testContext());
  if (cart.attempt) return cart.attempt;
  const { lines, revision } = cart;
  return await carts.beginAttempt(user, revision, lines, testContext()) as CheckoutAttempt;
}

describe.skipIf(!stores)("ValkeyCarts with sentinels", () => {
  let group: SentinelGroup;
  beforeAll(async () => {
    group = await startSentinelGroup({ program: stores?.["valkey-server"] as string, directory });
  });
  afterAll(() => group.close());

  test("refuses a checkout whose attempt is on no replica, and resumes it later", async () => {
    const store = openStore(group.url);
    await store.carts.addItem(1n, line, LIMITS, testContext());
    const { replica } = await group.roles();
    replica.pause();
    try {
      await expect(beginAttempt(store, 1n)).rejects.toMatchObject(unavailable);
    } finally {
      replica.resume();
    }
    const attempt = await eventually(() => beginAttempt(store, 1n));
    expect(attempt).toMatchObject({ isResumed: true, items: [line] });
  });

  test("waits for a replica, if there is one, whichever connection wrote the attempt", async () => {
    const { attempts } = openStore(group.url);
    const wait = (key: string) => attempts.replicated(key, 60_000, testContext());
    expect(await wait("cart:{4}:attempt:4")).toBe(false);
    const { primary, replica } = await group.roles();
    replica.pause();
    try {
      await primary.command("hset", "cart:{4}:attempt:4", "key", "once");
      await expect(wait("cart:{4}:attempt:4")).rejects.toMatchObject(unavailable);
    } finally {
      replica.resume();
    }
    await eventually(async () => expect(await wait("cart:{4}:attempt:4")).toBe(true));
  });

  test.each([
    { by: "another process", command: [], code: undefined },
    {
      by: "a new primary that lacks it",
      command: ["debug", "change-repl-id"],
      code: "unavailable",
    },
  ])("an attempt that is lost before the wait, because of $by", async ({ command, code }) => {
    const { primary } = await group.roles();
    const { store } = openStore(group.url);
    const attempts = new Proxy(store, {
      get:
        (target, name: "run" | "replicated") =>
        async (...given: Parameters<typeof target[typeof name]>) => {
          // Between the script and the wait.
          if (name === "replicated") await lose(given[0] as string);
          return await (target[name] as (...all: unknown[]) => Promise<unknown>)(...given);
        },
    });
    async function lose(key: string): Promise<void> {
      await primary.command("del", key);
      if (command.length > 0) await primary.command(...command);
    }
    const ours = openStore(group.url, {}, { attempts });
    await ours.carts.addItem(5n, line, LIMITS, testContext());
    const begun = beginAttempt(ours, 5n).then(() => undefined, (error) => error.code);
    expect(await begun).toBe(code);
    await ours.carts.clearCart(5n, testContext());
    await eventually(() => group.replicates());
  });

  test.each([
    { how: "killed", user: 2n },
    { how: "frozen", user: 3n },
  ])("keeps an attempt when its primary is $how and replaced", async ({ how, user }) => {
    const store = openStore(group.url);
    await eventually(() => group.replicates());
    await store.carts.addItem(user, line, LIMITS, testContext());
    const begun = await eventually(() => beginAttempt(store, user));
    const one = { sku: 20, count: 1 };
    let sent = 0;
    const add = () => store.carts.addItem(user, one, LIMITS, testContext(500)).catch(() => {});
    const { primary, replica } = await group.roles();
    if (how === "killed") await primary.kill();
    else primary.pause();
    await eventually(async () => {
      sent++;
      await add();
      expect((await group.roles()).primary === replica).toBe(true);
    });
    const found = await eventually(() => beginAttempt(store, user));
    expect(found).toMatchObject({ idempotencyKey: begun.idempotencyKey, items: [line] });
    // The other connection may still be connecting, to the frozen server first.
    await eventually(() => store.carts.settleAttempt(user, found, { keep: false }, testContext()));
    const left = await store.carts.listCart(user, testContext());
    expect(left.map(({ sku }) => sku), "the ordered units have left the cart").not.toContain(
      line.sku,
    );
    expect(left[0]?.count ?? 0, "no addition was sent twice").toBeLessThanOrEqual(sent);
    if (how === "killed") await primary.restart();
    else primary.resume();
    // Where the machine is slow, the sentinels may make it the primary again.
    await group.replicates();
    await eventually(() => store.carts.clearCart(user, testContext()));
  });
});

describe.skipIf(!stores)("ValkeyCarts with a replica", () => {
  test("recovers from a replica that hung, however many checkouts waited", async () => {
    const program = stores?.["valkey-server"] as string;
    const primary = await startStoreServer({ program, directory });
    const args = ["--replicaof", `127.0.0.1 ${primary.port}`];
    const replica = await startStoreServer({ program, directory, args });
    await eventually(async () => {
      expect(await primary.command("info", "replication")).toContain("state=online");
    });
    const store = openStore(`redis://127.0.0.1:${primary.port}`);
    const users = Array.from({ length: 60 }, (_, at) => BigInt(at + 1));
    const late = 100n;
    for (const user of [...users, late]) {
      await store.carts.addItem(user, line, LIMITS, testContext());
    }
    replica.pause();
    const begun = await Promise.allSettled(users.map((user) => beginAttempt(store, user)));
    expect(new Set(begun.map(({ status }) => status))).toEqual(new Set(["rejected"]));
    await replica.kill();
    await eventually(() => beginAttempt(store, late));
    await primary.kill();
  });
});

describe.skipIf(!stores)("ValkeyCarts on a cluster of three", () => {
  let cluster: StoreCluster;
  beforeAll(async () => {
    cluster = await startStoreCluster({ program: stores?.["valkey-server"] as string, directory });
  });
  afterAll(() => cluster.close());

  test("serves users on every node, and counts all of them", async () => {
    const store = openStore(cluster.url);
    const users = Array.from({ length: 100 }, (_, at) => BigInt(at + 1));
    for (const user of users) await store.carts.addItem(user, line, LIMITS, testContext());
    expect(await store.carts.size(testContext())).toEqual({ carts: 100, lines: 100 });
    for (const user of users) {
      const attempt = await beginAttempt(store, user);
      await store.carts.settleAttempt(user, attempt, { keep: false }, testContext());
    }
    expect(await store.carts.size(testContext())).toEqual({ carts: 0, lines: 0 });
    for (const server of cluster.servers) {
      expect(await server.command("info", "commandstats")).toContain("cmdstat_evalsha");
    }
  });

  test("follows a slot that has moved", async () => {
    const store = openStore(cluster.url);
    // The only user of its bucket, so that the slot moves without keys.
    const user = 200n;
    expect(await store.carts.listCart(user, testContext())).toEqual([]);
    const { servers } = cluster;
    const slot = Number(await servers[0]?.command("cluster", "keyslot", `{${user}}`));
    const target = servers[(ownerOf(slot) + 1) % servers.length] as StoreServer;
    const id = await target.command("cluster", "myid") as string;
    for (const server of servers) {
      await server.command("cluster", "setslot", `${slot}`, "node", id);
    }
    await store.carts.addItem(user, line, LIMITS, testContext());
    expect(await store.carts.listCart(user, testContext())).toEqual([line]);
    expect(await target.command("hget", `cart:{${user}}:cart:${user}`, "10")).toBe("2");
  });

  test("recovers after a node was killed", async () => {
    const store = openStore(cluster.url);
    const users = Array.from({ length: 30 }, (_, at) => BigInt(at + 1));
    const addAll = () =>
      Promise.all(users.map((user) => store.carts.addItem(user, line, LIMITS, testContext())));
    await addAll();
    const [server] = cluster.servers as [StoreServer];
    await server.kill();
    await expect(addAll()).rejects.toMatchObject(unavailable);
    await server.restart();
    await eventually(addAll);
  });
});

describe.skipIf(!stores)("a connection to a store", () => {
  test("with TLS verifies the server, and sends the client certificate", async () => {
    const authority = createAuthority(stores?.openssl as string, directory);
    const serverFiles = authority.certify("store", "IP:127.0.0.1");
    const ca = readFileSync(authority.ca, "utf8");
    const client = readCertified(authority.certify("cart", "DNS:cart"));
    const server = await startStoreServer({
      program: stores?.["redis-server"] as string,
      directory,
      args: [
        ...["--tls-ca-cert-file", authority.ca, "--tls-cert-file", serverFiles.cert],
        ...["--tls-key-file", serverFiles.key, "--tls-auth-clients", "yes"],
      ],
      client: { tls: { ca, ...client } },
    });
    const url = `rediss://127.0.0.1:${server.port}`;
    await openStore(url, { ca, ...client }).carts.addItem(1n, line, LIMITS, testContext());
    for (const tls of [client, { ca }]) {
      const { carts } = openStore(url, tls);
      await expect(carts.listCart(1n, testContext())).rejects.toMatchObject(unavailable);
    }
    await server.kill();
  });

  test("with a wrong password reports that, without the password", async () => {
    const password = "right";
    const server = await startStoreServer({
      program: stores?.["redis-server"] as string,
      directory,
      args: ["--requirepass", password],
      client: { password },
    });
    const { carts, errors } = openStore(`redis://:hunter2@127.0.0.1:${server.port}`);
    await expect(carts.listCart(1n, testContext())).rejects.toMatchObject(unavailable);
    expect(errors).toContainEqual(expect.stringContaining("WRONGPASS"));
    expect(errors.join()).not.toContain("hunter2");
    await server.kill();
  });
});
