import { expect, test } from "vitest";
import { requestIdOf } from "./request-id.ts";

const idFor = (given: string) => requestIdOf(new Headers({ "x-request-id": given }), "made");

test.each(["7b0c9e", "01J:a/b+c=d@e_f-g.h", "x".repeat(128)])("the caller's %s is kept", (id) => {
  expect(idFor(id)).toBe(id);
});

test.each(["", "a b", `a"b`, "ä", "<script>", "{}", "x".repeat(129)])("%j is replaced", (id) => {
  expect(idFor(id)).toBe("made");
});

test("a request without one is given one", () => {
  expect(requestIdOf(new Headers(), "made")).toBe("made");
});
