import { describe, expect, inject, test } from "vitest";
import { lomsTransports } from "./loms-transports.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { stock } = shopAt(shop);
const SKU = 4_288_068;

const request = (user: number, count: number) =>
  `{"user":${user},"items":[{"sku":${SKU},"count":${count}}]}`;

// loms/rpc/rpc.test.ts has the rules of a key, loms/repository/order-create.int.test.ts what it
// compares.
describe.each(lomsTransports(shop))("idempotency-key by $name", (transport) => {
  test("a repetition gets the first answer and reserves once", async () => {
    const user = newUser();
    const before = await stock(SKU);
    const headers = { "idempotency-key": "one" };
    const first = await transport.call("OrderCreate", request(user, 2), headers);
    const again = await transport.call("OrderCreate", request(user, 2), headers);
    expect(first.code).toBe("ok");
    expect(again).toEqual(first);
    expect(await stock(SKU)).toBe(before - 2);
    await transport.call("OrderCancel", first.response);
  });
});
