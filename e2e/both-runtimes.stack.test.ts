import { expect, test } from "vitest";
import type { Runtime } from "../stack/processes/runtimes.ts";
import { allOn } from "../stack/services.ts";
import { grpcCall } from "./grpc.ts";
import { call } from "./http.ts";
import { expectNotifications } from "./notifications.ts";
import { startOwnStack } from "./own-stack.ts";
import { expectProblem } from "./problems.ts";
import { shopAt } from "./shop.ts";

const SKU = 773_297_411;
/** Above 2^53, where a runtime's JSON might round. */
const USER = "9007199254740993";
const runtimes: Runtime[] = ["node", "deno"];

test.each(runtimes)("the purchase path works with every service on %s", async (runtime) => {
  const stack = await startOwnStack({
    runtimes: allOn(runtime),
  });
  try {
    const { cart, lomsGrpc } = stack.urls;
    const shop = shopAt(stack);
    const before = await shop.stock(SKU);
    const line = `POST /user/${USER}/cart/${SKU}`;
    expect((await call(cart, line, { body: { count: 2 } })).text).toBe("{}");
    expectProblem(await call(cart, line, { body: `{"count":1.0}` }), 400, ["count"]);
    const list = await call(cart, `GET /user/${USER}/cart/list`);
    expect(list.body["total_price"]).toBe(2 * 2_202);

    const checkout = await call(cart, `POST /user/${USER}/cart/checkout`);
    expect(checkout.status, checkout.text).toBe(200);
    const order = checkout.body["order_id"] as number;
    const request = `{"orderID":${order}}`;
    const info = await grpcCall(lomsGrpc, "loms.v1.Loms/OrderInfo", request);
    expect(info.body).toMatchObject({ status: "awaiting payment", user: USER });
    const payed = await grpcCall(lomsGrpc, "loms.v1.Loms/OrderPay", request);
    expect(payed.code, payed.message).toBe(0);
    expectProblem(await shop.tryCancel(order), 412);
    expect(await shop.stock(SKU)).toBe(before - 2);
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
  } finally {
    await stack.close();
  }
});
