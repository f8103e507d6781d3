import { expect, test, vi } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import { AppError } from "../../shared/errors.ts";
import type { Deps } from "./deps.ts";
import { orderExpirer } from "./expire-orders.ts";

function openExpirer() {
  const clock = new VirtualClock();
  const expireOrders = vi.fn<Deps["writer"]["expireOrders"]>().mockResolvedValue(0);
  const onError = vi.fn<(error: unknown) => void>();
  const writer = { expireOrders } as unknown as Deps["writer"];
  const newContext = () => new RequestContext({ traceparent: "t", timeoutMs: 1_000, clock });
  const loop = orderExpirer({ writer }, { clock, newContext, onError });
  return { clock, expireOrders, onError, loop };
}

test("the expirer runs twice a second", async () => {
  const { clock, expireOrders, loop } = openExpirer();
  loop.start();
  await clock.advance(999);
  expect(expireOrders).toHaveBeenCalledTimes(2);
});

test("the expirer continues at once after a full batch", async () => {
  const { clock, expireOrders, loop } = openExpirer();
  expireOrders.mockResolvedValueOnce(200).mockResolvedValueOnce(200);
  loop.start();
  await clock.advance(0);
  expect(expireOrders).toHaveBeenCalledTimes(3);
});

test("the expirer survives an unavailable database and resumes within a second", async () => {
  const { clock, expireOrders, onError, loop } = openExpirer();
  expireOrders.mockRejectedValue(new AppError("unavailable", "unavailable"));
  loop.start();
  await clock.advance(60_000);
  expect(onError.mock.calls.length).toBeGreaterThan(30);
  expireOrders.mockReset().mockResolvedValue(0);
  await clock.advance(1_000);
  expect(expireOrders).toHaveBeenCalled();
});
