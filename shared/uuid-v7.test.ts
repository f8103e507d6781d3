import { expect, test } from "vitest";
import { uuidV7Source } from "./uuid-v7.ts";

const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

function ids(count: number, nowMs: () => number): string[] {
  const next = uuidV7Source({ epochMs: nowMs });
  return Array.from({ length: count }, next);
}

function expectAscending(made: readonly string[]): void {
  expect(new Set(made).size).toBe(made.length);
  expect(made.toSorted()).toEqual(made);
}

test("uuidV7Source() makes UUIDs that start with the time in ms", () => {
  const [id] = ids(1, () => 0x0193_5a2b_3c4d);
  expect(id).toMatch(UUID_V7);
  expect(id?.startsWith("01935a2b-3c4d-7000-")).toBe(true);
});

test("uuidV7Source() ascends through more ids than one millisecond has room for", () => {
  expectAscending(ids(10_000, () => 1_800_000_000_000));
});

test("uuidV7Source() ascends while the clock steps back", () => {
  let nowMs = 1_800_000_000_000;
  expectAscending(ids(1000, () => nowMs -= 7));
});
