import { expect, test, vi } from "vitest";
import { RequestContext } from "../../shared/async/request-context.ts";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { Deps } from "./deps.ts";
import { finalForgetter } from "./forget-final.ts";

test("the forgetter runs each hour, and again at once after a full batch", async () => {
  const clock = new VirtualClock();
  const forgetFinal = vi.fn<Deps["lastShown"]["forgetFinal"]>().mockResolvedValue(0);
  const lastShown = { forgetFinal } as unknown as Deps["lastShown"];
  const newContext = () => new RequestContext({ traceparent: "t", timeoutMs: 1_000, clock });
  const onError = vi.fn<(error: unknown) => void>();
  forgetFinal.mockResolvedValueOnce(1_000).mockResolvedValueOnce(999);
  finalForgetter({ lastShown }, { clock, newContext, onError }).start();
  await clock.advance(0);
  expect(forgetFinal).toHaveBeenCalledTimes(2);
  await clock.advance(60 * 60_000 - 1);
  expect(forgetFinal).toHaveBeenCalledTimes(2);
  await clock.advance(1);
  expect(forgetFinal).toHaveBeenCalledTimes(3);
});
