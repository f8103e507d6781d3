import { expect, test } from "vitest";
import { linkAbort } from "./request-context.ts";

test("linkAbort() aborts with the parent's reason", () => {
  const parent = new AbortController();
  const child = new AbortController();
  linkAbort(parent.signal, child);
  expect(child.signal.aborted).toBe(false);
  parent.abort("why");
  expect(child.signal.reason).toBe("why");
});

test("linkAbort() aborts at once if the parent has aborted", () => {
  const child = new AbortController();
  linkAbort(AbortSignal.abort("why"), child);
  expect(child.signal.reason).toBe("why");
});

test("linkAbort() does nothing once the link is removed", () => {
  const parent = new AbortController();
  const child = new AbortController();
  linkAbort(parent.signal, child)();
  parent.abort();
  expect(child.signal.aborted).toBe(false);
});
