import { expect, test } from "vitest";
import { describeFinding } from "./describe-finding.ts";

const FINDING = { invariant: "keys", checked: 4, of: "idempotency keys", violations: [] };

test("describeFinding() states in one line what was counted and what is allowed", () => {
  expect(describeFinding({ ...FINDING, note: "2 of them old" }))
    .toBe("keys                         ok      4 idempotency keys (2 of them old)");
});

test("describeFinding() lists each violation below", () => {
  expect(describeFinding({ ...FINDING, violations: ["key a is lost", "key b is lost"] })).toBe(
    "keys                         BROKEN  4 idempotency keys\n  key a is lost\n  key b is lost",
  );
});
