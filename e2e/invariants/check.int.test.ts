import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testDatabase } from "../../stack/test/database.ts";
import { checkInvariants, type Subject } from "./check.ts";
import { broken, listViolations } from "./finding.ts";
import { ALL_SHOWN, openShopFixture, type ShopFixture, STARTED } from "./shop-fixture.ts";

let shop: ShopFixture;
beforeAll(async () => {
  shop = await openShopFixture();
});
afterAll(() => shop.close());

test("checkInvariants() finds nothing in a consistent shop, and counts its checks", async () => {
  const findings = await checkInvariants({
    primaryUrl: shop.database.primaryUrl,
    replicaUrls: [shop.database.replicaUrl],
    acknowledged: shop.acknowledged,
    notifierLogs: [shop.logOf([STARTED, ...ALL_SHOWN])],
  });
  expect(listViolations(broken(findings))).toBe("");
  expect(findings.map(({ invariant, checked, of }) => `${invariant}: ${checked} ${of}`)).toEqual([
    "stock: 21 SKUs",
    "stock changes: 1 changes",
    "paths: 4 orders",
    "rows: 4 orders",
    "deadlines: 1 orders that await payment",
    "outbox: 10 events in the outbox",
    "stock outbox: 2 events in the outbox",
    "keys: 4 idempotency keys",
    "reported: 4 orders that were reported",
    "acknowledged on the primary: 4 orders that were reported",
    "orders on replica 1: 4 orders",
    "acknowledged on replica 1: 4 orders that were reported",
    "notifications: 4 orders",
  ]);
});

test("checkInvariants() reports a replica without orders, and an unavailable one", async () => {
  const other = await testDatabase("loms");
  const findings = await checkInvariants({
    primaryUrl: shop.database.primaryUrl,
    replicaUrls: [other.replicaUrl, "postgres://postgres@127.0.0.1:1/loms"],
    acknowledged: shop.acknowledged.slice(0, 1),
  });
  const reported = broken(findings).map(({ invariant, violations }) => [invariant, violations[0]]);
  expect(reported).toEqual([
    ["orders on replica 1", "order 1 is not there"],
    ["acknowledged on replica 1", "order 1 (awaiting payment) was reported and is not there"],
    ["orders on replica 2", expect.stringMatching(/^it cannot be read: .+/)],
  ]);
  await other.drop();
});

async function productsThatSay(status: number, body: object): Promise<[string, Server]> {
  const server = createServer((_request, response) => {
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return [`http://127.0.0.1:${(server.address() as AddressInfo).port}`, server];
}

test("checkInvariants() reports more than 10 product calls of cart in a second", async () => {
  const subject: Subject = { primaryUrl: shop.database.primaryUrl, replicaUrls: [] };
  const calls = { get_product: 20, list_skus: 1 };
  const client = (user_agent: string, max_in_any_second: number) => ({
    ...{ user_agent, calls, max_in_any_second },
  });
  for (
    const [most, violations] of [
      [10, []],
      [11, ["11 calls of marketplace-cart/1 came in one second, and 10 are allowed"]],
    ] as const
  ) {
    const [productsUrl, server] = await productsThatSay(200, {
      calls: { get_product: 40, list_skus: 2 },
      max_in_any_second: 99,
      clients: [client("curl/8", 99), client("marketplace-cart/1", most)],
    });
    const findings = await checkInvariants({ ...subject, productsUrl });
    expect(findings.at(-1)).toMatchObject({
      ...{ invariant: "product calls", checked: 21, of: "calls of cart", violations },
      note: "other clients made 21 calls, to which no limit applies",
    });
    server.close();
  }
  const [productsUrl, server] = await productsThatSay(404, {});
  const findings = await checkInvariants({ ...subject, productsUrl });
  expect(findings.at(-1)?.note).toMatch(/^not checked: /);
  server.close();
});
