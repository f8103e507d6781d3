import { describe, expect, test } from "vitest";
import { type OrderShortage, SHORT_SKUS_MAX } from "../../proto/loms/v1/order-shortage.ts";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { OrderCreateOutcome } from "./deps.ts";
import { orderCreate } from "./order-create.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const context = new RequestContext({ traceparent, timeoutMs: 1, clock: new VirtualClock() });
const input = { userId: 7n, items: [{ sku: 42, count: 3 }], idempotencyKey: "once" };

function depsAnswering(outcome: OrderCreateOutcome) {
  const deps = fakeDeps();
  deps.writer.orderCreate.mockResolvedValue(outcome);
  return deps;
}

async function refused(outcome: OrderCreateOutcome): Promise<AppError> {
  const error: unknown = await orderCreate(depsAnswering(outcome), input, context)
    .catch((error: unknown) => error);
  expect(error).toBeInstanceOf(AppError);
  return error as AppError;
}

/** The longest message: every number has its maximum of digits. */
function longShortage(skusTotal: number): OrderShortage {
  const skus = Array.from({ length: Math.min(skusTotal, SHORT_SKUS_MAX) }, (_, index) => (
    { sku: 4_294_967_295 - index, requested: 65_535, available: 65_534 }
  ));
  return { orderId: 2n ** 63n - 1n, skus, skusTotal };
}

describe("orderCreate()", () => {
  test("writes the order with its trace context and resolves with the id", async () => {
    const deps = depsAnswering({ kind: "created", orderId: 2n ** 53n + 1n });
    expect(await orderCreate(deps, input, context)).toBe(9007199254740993n);
    expect(deps.writer.orderCreate.mock.calls).toEqual([[{ ...input, traceparent }, context]]);
  });

  test("throws failed_precondition, naming order and SKUs, when stock is short", async () => {
    const skus = [{ sku: 42, requested: 3, available: 2 }, { sku: 43, requested: 1, available: 0 }];
    const shortage = { orderId: 5n, skus, skusTotal: 2 };
    const error = await refused({ kind: "short", shortage });
    expect(error.code).toBe("failed_precondition");
    expect(error.message).toBe(
      "Order 5 failed: cannot reserve 3 of sku 42: 2 in stock; 1 of sku 43: 0 in stock",
    );
    expect(error.shortage).toEqual(shortage);
  });

  test("keeps the message under 1 KiB and states the number of omitted SKUs", async () => {
    const { message } = await refused({ kind: "short", shortage: longShortage(1000) });
    expect(new TextEncoder().encode(message).length).toBeLessThan(1024);
    expect(message).toMatch(/^Order 9223372036854775807 failed: .*; and 990 more$/);
  });

  test("throws already_exists if the key belongs to other items", async () => {
    const deps = depsAnswering({ kind: "key_reused", orderId: 5n });
    await expect(orderCreate(deps, input, context))
      .rejects.toMatchObject({
        code: "already_exists",
        message: expect.stringContaining("order 5"),
      });
  });

  test("rejects with the error of a write whose outcome is unknown", async () => {
    const deps = depsAnswering({ kind: "created", orderId: 1n });
    const lost = new AppError("unavailable", "connection lost");
    deps.writer.orderCreate.mockRejectedValue(lost);
    await expect(orderCreate(deps, input, context)).rejects.toBe(lost);
  });
});
