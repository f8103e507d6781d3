import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { Order } from "./deps.ts";
import { orderInfo } from "./order-info.ts";

const context = new RequestContext({ traceparent: "", timeoutMs: 1, clock: new VirtualClock() });
const order: Order = { orderId: 8n, userId: 7n, status: "new", items: [{ sku: 1, count: 2 }] };

function depsAnswering(answer: Order | undefined) {
  const deps = fakeDeps();
  deps.reader.orderInfo.mockResolvedValue(answer);
  return deps;
}

test("orderInfo() resolves with the order", async () => {
  const deps = depsAnswering(order);
  expect(await orderInfo(deps, 8n, context)).toBe(order);
  expect(deps.reader.orderInfo).toHaveBeenCalledWith(8n, context);
});

test("orderInfo() throws not_found for an unknown order", async () => {
  await expect(orderInfo(depsAnswering(undefined), 8n, context))
    .rejects.toMatchObject({ code: "not_found", message: "There is no order 8" });
});
