import { expect, test } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/virtual-clock.ts";
import type { LastShown, Shown, Sink } from "./deps.ts";
import type { Notification, OrderStatus } from "./notification.ts";
import { notify } from "./notify.ts";

const context = new RequestContext({
  traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
  timeoutMs: 1_000,
  clock: new VirtualClock(),
});

function notification(seq: number, status: OrderStatus = "payed"): Notification {
  return { orderId: 7n, userId: 1n, status, seq, at: "2026-01-01T00:00:00.000Z" };
}

/** Deps that write down each step, and fail at the one that is named. */
function openDeps({ last = 0, failsAt = "" } = {}) {
  const steps: string[] = [];
  const remembered: Shown[] = [];
  const step = (name: string) => {
    if (name === failsAt) return Promise.reject(new Error(name));
    steps.push(name);
    return Promise.resolve();
  };
  const lastShown: LastShown = {
    lastSeq: async () => {
      await step("ask");
      return last;
    },
    remember: async (shown) => {
      await step("remember");
      remembered.push(shown);
    },
    forgetFinal: () => Promise.resolve(0),
  };
  const sink: Sink = { show: ({ seq }) => step(`show ${seq}`) };
  return { deps: { lastShown, sink }, steps, remembered };
}

test("notify() shows an event and remembers it afterwards", async () => {
  const { deps, steps, remembered } = openDeps({ last: 1 });
  expect(await notify(deps, notification(2, "awaiting payment"), context)).toBe("shown");
  expect(steps).toEqual(["ask", "show 2", "remember"]);
  expect(remembered).toEqual([{ orderId: 7n, seq: 2, final: false }]);
});

test.each(
  [
    ["new", false],
    ["awaiting payment", false],
    ["failed", true],
    ["payed", true],
    ["cancelled", true],
  ] as const,
)("notify() remembers %s with final = %s", async (status, final) => {
  const { deps, remembered } = openDeps();
  await notify(deps, notification(1, status), context);
  expect(remembered).toEqual([{ orderId: 7n, seq: 1, final }]);
});

test.each([[2, 2], [1, 2]])("notify() drops seq %i when %i was shown", async (seq, last) => {
  const { deps, steps } = openDeps({ last });
  expect(await notify(deps, notification(seq), context)).toBe("stale");
  expect(steps).toEqual(["ask"]);
});

test("notify() shows an event after a gap, since the events between may be dead letters", async () => {
  const { deps } = openDeps({ last: 1 });
  expect(await notify(deps, notification(3), context)).toBe("shown");
});

test("notify() remembers nothing when the sink fails", async () => {
  const { deps, steps } = openDeps({ failsAt: "show 1" });
  await expect(notify(deps, notification(1), context)).rejects.toThrow("show 1");
  expect(steps).toEqual(["ask"]);
});

test("notify() rejects when what was shown cannot be remembered", async () => {
  const { deps } = openDeps({ failsAt: "remember" });
  await expect(notify(deps, notification(1), context)).rejects.toThrow("remember");
});
