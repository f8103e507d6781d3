import { describe, expect, test } from "vitest";
import { childTraceparent, isSampled, parseTraceparent } from "./traceparent.ts";

const VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("parseTraceparent()", () => {
  test("takes a well-formed header as it is", () => {
    expect(parseTraceparent(VALID)).toBe(VALID);
  });

  test("takes a later version with more fields and keeps the known ones", () => {
    expect(parseTraceparent(`01${VALID.slice(2)}-more`)).toBe(VALID);
  });

  test.each([
    undefined,
    null,
    "",
    VALID.toUpperCase(),
    VALID.slice(0, -1),
    `${VALID}-more`,
    `01${VALID.slice(2)}x`,
    `ff${VALID.slice(2)}`,
    `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
    `00-0af7651916cd43dd8448eb211c80319c-${"0".repeat(16)}-01`,
  ])("refuses %s", (header) => {
    expect(parseTraceparent(header)).toBeUndefined();
  });
});

describe("childTraceparent()", () => {
  test("stays in the parent's trace with a span of its own", () => {
    const child = childTraceparent(VALID);
    expect(parseTraceparent(child)).toBe(child);
    expect(child.slice(0, 36)).toBe(VALID.slice(0, 36));
    expect(child.slice(36, 52)).not.toBe(VALID.slice(36, 52));
  });

  test("starts a trace that is sampled as it is told, and by default not", () => {
    const root = childTraceparent(undefined);
    expect(parseTraceparent(root)).toBe(root);
    expect(isSampled(root)).toBe(false);
    expect(isSampled(childTraceparent(undefined, () => true))).toBe(true);
  });

  test("keeps the caller's decision", () => {
    const unsampled = `${VALID.slice(0, 53)}00`;
    expect(isSampled(childTraceparent(unsampled, () => true))).toBe(false);
    expect(isSampled(childTraceparent(VALID, () => false))).toBe(true);
  });
});
