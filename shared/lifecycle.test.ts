import { expect, test } from "vitest";
import { VirtualClock } from "./async/virtual-clock.ts";
import { CloseStack, Readiness } from "./lifecycle.ts";

test("CloseStack closes in reverse order, each once", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.push("first", () => void closed.push("first"));
  stack.push("second", async () => void closed.push("second"));
  await Promise.all([stack.close(), stack.close()]);
  expect(closed).toEqual(["second", "first"]);
});

test("CloseStack closes the rest when one fails, and then reports it", async () => {
  const closed: string[] = [];
  const stack = new CloseStack();
  stack.push("first", () => void closed.push("first"));
  stack.push("broken", () => Promise.reject(new Error("stuck")));
  await expect(stack.close()).rejects.toMatchObject({
    errors: [expect.objectContaining({ message: "closing broken failed" })],
  });
  expect(closed).toEqual(["first"]);
});

test("Readiness is not ready at once and holds what closes next until others could see it", async () => {
  const clock = new VirtualClock();
  const readiness = new Readiness(clock);
  const stack = new CloseStack();
  let isOpen = true;
  stack.push("the door", () => void (isOpen = false));
  stack.push("readiness", () => readiness.stop());
  const closed = stack.close();
  expect(readiness.stopping).toBe(true);
  await clock.advance(249);
  expect(isOpen).toBe(true);
  await clock.advance(1);
  await closed;
  expect(isOpen).toBe(false);
});
