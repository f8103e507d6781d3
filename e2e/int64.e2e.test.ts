import { describe, expect, inject, test } from "vitest";
import { grpcCall } from "./grpc.ts";
import { call } from "./http.ts";
import { expectProblem } from "./problems.ts";

/*
 * The promises of docs/clients.md at the limits: the last integer that a double represents exactly,
 * the first one that it does not, and the maximum.
 */
const IDS = ["9007199254740991", "9007199254740993", "9223372036854775807"];
const SKU = 1_625_903;
const ITEMS = `[{"sku":${SKU},"count":1}]`;

const { cart, loms = "", lomsGrpc } = inject("shop").urls;

describe.each(IDS)("int64 %s", (id) => {
  test.each([["integer", id], ["string", `"${id}"`]])(
    "is a user's id over JSON, sent as an %s",
    async (_form, sent) => {
      const body = `{"user":${sent},"items":${ITEMS}}`;
      const created = await call(loms, "POST /v1/order/create", { body });
      expect(created.status, created.text).toBe(200);
      const info = await call(loms, "POST /v1/order/info", { body: created.text });
      expect(info.text).toContain(`"user":${id},`);
    },
  );

  test("is a user's id over gRPC, as a string in its JSON", async () => {
    const request = `{"user":"${id}","items":${ITEMS}}`;
    const created = await grpcCall(lomsGrpc, "loms.v1.Loms/OrderCreate", request);
    const order = JSON.stringify(created.body);
    const info = await grpcCall(lomsGrpc, "loms.v1.Loms/OrderInfo", order);
    expect(info.body["user"], info.message).toBe(id);
  });

  test("is a user's id in cart's path, up to the order", async () => {
    await call(cart, `DELETE /user/${id}/cart`);
    const added = await call(cart, `POST /user/${id}/cart/${SKU}`, { body: { count: 1 } });
    expect(added.status, added.text).toBe(200);
    const { text } = await call(cart, `POST /user/${id}/cart/checkout`);
    const body = text.replace("order_id", "orderID");
    const info = await call(loms, "POST /v1/order/info", { body });
    expect(info.text).toContain(`"user":${id},`);
  });

  test("of an unknown order is reported with every digit by both transports", async () => {
    const body = `{"orderID":${id}}`;
    const refused = await call(loms, "POST /v1/order/pay", { body });
    expectProblem(refused, 404);
    expect(refused.body["detail"]).toContain(id);
    const overGrpc = await grpcCall(lomsGrpc, "loms.v1.Loms/OrderPay", `{"orderID":"${id}"}`);
    expect([overGrpc.code, overGrpc.message]).toEqual([5, refused.body["detail"]]);
  });
});
