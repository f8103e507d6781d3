import { expect, test } from "vitest";
import { tellFinding } from "./tell.ts";

const FINDING = { invariant: "keys", checked: 4, of: "idempotency keys", violations: [] };

test("tellFinding() says in one line what was counted and what is allowed", () => {
  expect(tellFinding({ ...FINDING, note: "2 of them old" }))
    .toBe("keys                         ok      4 idempotency keys (2 of them old)");
});

test("tellFinding() puts each violation below", () => {
  expect(tellFinding({ ...FINDING, violations: ["key a is lost", "key b is lost"] })).toBe(
    "keys                         BROKEN  4 idempotency keys\n  key a is lost\n  key b is lost",
  );
});
