import { expect, test } from "vitest";
import { VirtualClock } from "./async/test/virtual-clock.ts";
import { CloseStack, LateClose, Readiness } from "./lifecycle.ts";

test("CloseStack closes in reverse order, each once", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.push("first", () => void closed.push("first"));
  stack.push("second", async () => void closed.push("second"));
  await Promise.all([stack.close(), stack.close()]);
  expect(closed).toEqual(["second", "first"]);
});

test("CloseStack closes the rest when one fails, and then throws its error", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.push("first", () => void closed.push("first"));
  stack.push("broken", () => Promise.reject(new Error("stuck")));
  await expect(stack.close()).rejects.toMatchObject({
    errors: [expect.objectContaining({ message: "closing broken failed" })],
  });
  expect(closed).toEqual(["first"]);
});

test("CloseStack limits all steps together, and starts the rest at the limit", async () => {
  const clock = new VirtualClock();
  const stack = new CloseStack(100, clock);
  const closed: string[] = [];
  const hang = () => new Promise<void>(() => {});
  stack.push("first", () => void closed.push("first"));
  stack.push("second", hang);
  stack.push("third", hang);
  stack.push("fourth", () => new Promise((resolve) => clock.setTimer(60, resolve)));
  const failed = expect(stack.close()).rejects.toMatchObject({
    errors: [new LateClose("third"), new LateClose("second")],
  });
  await clock.advance(99);
  expect(closed).toEqual([]);
  await clock.advance(1);
  await failed;
  expect(closed).toEqual(["first"]);
  expect(clock.pending).toBe(0);
});

test("Readiness is false at first, and stop() gives probes time to run", async () => {
  const clock = new VirtualClock();
  const readiness = new Readiness(clock);
  const stack = new CloseStack();
  let isOpen = true;
  stack.push("the listener", () => void (isOpen = false));
  stack.push("readiness", () => readiness.stop());
  const closed = stack.close();
  expect(readiness.stopping).toBe(true);
  await clock.advance(249);
  expect(isOpen).toBe(true);
  await clock.advance(1);
  await closed;
  expect(isOpen).toBe(false);
});

test("Readiness.stop() gives probes time to run after a stall", async () => {
  const clock = new VirtualClock();
  let isStopped = false;
  void new Readiness(clock).stop().then(() => isStopped = true);
  clock.stall(1_000);
  await clock.advance(200);
  expect(isStopped).toBe(false);
  await clock.advance(50);
  expect(isStopped).toBe(true);
});
