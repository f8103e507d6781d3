import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startStoreServer, type StoreServer } from "../../e2e/machines/store-server.ts";
import { newDataDirectory, removeDirectory } from "../../e2e/own-stack.ts";
import { Metrics } from "../telemetry/metrics.ts";
import { backgroundContext, NO_TRACING } from "../telemetry/tracing.ts";
import { readStoreUrl } from "./store-url.ts";
import { Valkey } from "./valkey.ts";

const stores = inject("stores");
const TTL_MS = 60_000;

describe.skipIf(!stores)("replicated()", () => {
  let server: StoreServer;
  let directory: string;

  beforeAll(async () => {
    directory = newDataDirectory();
    server = await startStoreServer({ program: stores?.["redis-server"] as string, directory });
    await server.command("set", "key", "value");
  });
  afterAll(async () => {
    await server.kill();
    removeDirectory(directory);
  });

  /** The connections of cart, by id. */
  async function connections(): Promise<readonly string[]> {
    const clients = await server.command("client", "list") as string;
    return clients.split("\n").filter((client) => client.includes("name=marketplace"))
      .map((client) => client.replace(/ .*/, ""));
  }

  test("throws the error of the server, and stays connected", async () => {
    await server.command("acl", "setuser", "cart", "on", ">secret", "~*", "+@all", "-wait");
    const store = new Valkey({
      address: readStoreUrl(`redis://cart:secret@127.0.0.1:${server.port}`),
      ...{ tls: {}, name: "test", metrics: new Metrics("cart"), tracing: NO_TRACING },
      onError: () => {},
    });
    const replicated = () => store.replicated("key", TTL_MS, backgroundContext(5_000));
    const refused = {
      code: "unavailable",
      cause: { message: expect.stringMatching(/^NOPERM .*'wait'/) },
    };
    await expect(replicated()).rejects.toMatchObject(refused);
    const connected = await connections();
    expect(connected).toHaveLength(1);
    await expect(replicated()).rejects.toMatchObject(refused);
    expect(await connections()).toEqual(connected);
    store.close();
  });
});
