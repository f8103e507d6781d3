import { expect, test } from "vitest";
import { linkAbort } from "./link-abort.ts";

test("linkAbort() passes the parent's reason on", () => {
  const parent = new AbortController();
  const child = new AbortController();
  linkAbort(parent.signal, child);
  expect(child.signal.aborted).toBe(false);
  parent.abort("why");
  expect(child.signal.reason).toBe("why");
});

test("linkAbort() aborts at once below a parent that has aborted", () => {
  const child = new AbortController();
  linkAbort(AbortSignal.abort("why"), child);
  expect(child.signal.reason).toBe("why");
});

test("linkAbort() passes nothing on once the link is cut", () => {
  const parent = new AbortController();
  const child = new AbortController();
  linkAbort(parent.signal, child)();
  parent.abort();
  expect(child.signal.aborted).toBe(false);
});
