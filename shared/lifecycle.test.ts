import { expect, test } from "vitest";
import { CloseStack } from "./lifecycle.ts";

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
