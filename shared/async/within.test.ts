import { expect, test, vi } from "vitest";
import { within } from "./request-context.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

const late = () => {
  throw new Error("late");
};

test("within() returns the result of the work, and leaves no timer", async () => {
  const clock = new VirtualClock();
  expect(await within(clock, 100, Promise.resolve(1), late)).toBe(1);
  await expect(within(clock, 100, Promise.reject(new Error("failed")), late))
    .rejects.toThrow("failed");
  expect(clock.pending).toBe(0);
});

test("within() returns the result of onLate if the work takes longer", async () => {
  const clock = new VirtualClock();
  const settled = vi.fn<(value: unknown) => void>();
  const never = new Promise<number>(() => {});
  void within(clock, 100, never, () => "late").then(settled);
  const thrown = expect(within(clock, 100, never, late)).rejects.toThrow("late");
  await clock.advance(99);
  expect(settled).not.toHaveBeenCalled();
  await clock.advance(1);
  expect(settled).toHaveBeenCalledWith("late");
  await thrown;
});

test("within() ignores work that fails too late", async () => {
  const clock = new VirtualClock();
  const { promise, reject } = Promise.withResolvers<number>();
  const result = within(clock, 100, promise, () => 0);
  await clock.advance(100);
  reject(new Error("not observed"));
  expect(await result).toBe(0);
});
