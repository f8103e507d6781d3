import { describe, expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { fakeDeps } from "../deps-fixture.ts";
import type { OrderChangeOutcome } from "./deps.ts";
import { orderCancel, orderPay } from "./order-change.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const context = new RequestContext({ traceparent, timeoutMs: 1, clock: new VirtualClock() });

const operations = [
  { verb: "pay", method: "orderPay", run: orderPay },
  { verb: "cancel", method: "orderCancel", run: orderCancel },
] as const;

describe.each(operations)("$method()", ({ verb, method, run }) => {
  function depsAnswering(outcome: OrderChangeOutcome) {
    const deps = fakeDeps();
    deps.writer[method].mockResolvedValue(outcome);
    return deps;
  }

  test("writes the change with its trace context", async () => {
    const deps = depsAnswering({ kind: "changed" });
    await run(deps, 8n, context);
    expect(deps.writer[method].mock.calls).toEqual([[{ orderId: 8n, traceparent }, context]]);
  });

  test("succeeds if the order already has that status", async () => {
    const deps = depsAnswering({ kind: "unchanged" });
    await expect(run(deps, 8n, context)).resolves.toBeUndefined();
  });

  test.each<[OrderChangeOutcome, string, string]>([
    [{ kind: "not_found" }, "not_found", "There is no order 8"],
    [
      { kind: "wrong_status", status: "failed" },
      "failed_precondition",
      `Cannot ${verb} order 8: it is failed`,
    ],
    [
      { kind: "payment_overdue" },
      "failed_precondition",
      `Cannot ${verb} order 8: its payment deadline has passed`,
    ],
  ])("refuses outcome %o with %s", async (outcome, code, message) => {
    const deps = depsAnswering(outcome);
    await expect(run(deps, 8n, context)).rejects.toMatchObject({ code, message });
  });
});
