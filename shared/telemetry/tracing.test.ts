import { describe, expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import {
  childTraceparent,
  isSampled,
  observed,
  parseTraceparent,
  serveTogether,
  sharedTrace,
} from "./tracing.ts";
import { rememberedTracing } from "./test/tracing.ts";

const VALID = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

describe("parseTraceparent()", () => {
  test("returns a well-formed header unchanged", () => {
    expect(parseTraceparent(VALID)).toBe(VALID);
  });

  test("accepts a later version with more fields and keeps the known ones", () => {
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
  test("stays in the parent's trace with a new span", () => {
    const child = childTraceparent(VALID);
    expect(parseTraceparent(child)).toBe(child);
    expect(child.slice(0, 36)).toBe(VALID.slice(0, 36));
    expect(child.slice(36, 52)).not.toBe(VALID.slice(36, 52));
  });

  test("starts a trace with the given sampling decision, by default not sampled", () => {
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

const contextOf = (id: string, flags: string) => `00-${"a".repeat(32)}-${id.repeat(16)}-${flags}`;
const [A, B, C] = [contextOf("a", "00"), contextOf("b", "01"), contextOf("c", "01")] as const;

test("sharedTrace() is in the first sampled trace and links to the others", () => {
  expect(sharedTrace([A, B, C])).toEqual({ traceparent: B, alsoServes: [C] });
});

test("sharedTrace() is in the first trace if none is sampled", () => {
  expect(sharedTrace([A])).toEqual({ traceparent: A, alsoServes: [] });
});

test("serveTogether() lasts until the latest deadline, also if a caller disconnects", () => {
  const clock = new VirtualClock();
  const caller = { signal: AbortSignal.abort() };
  const first = new RequestContext({ traceparent: A, timeoutMs: 10, caller, clock });
  const second = new RequestContext({ traceparent: B, timeoutMs: 99, clock });
  const both = serveTogether([second, first]);
  expect([both.remainingMs(), both.traceparent, both.signal.aborted]).toEqual([99, B, false]);
  expect(serveTogether([first, second]).signal.aborted).toBe(false);
  expect(serveTogether([first, second], 5).remainingMs()).toBe(104);
  expect(serveTogether([first])).toBe(first);
});

test("observed() measures the work and records its span", async () => {
  const clock = new VirtualClock();
  const tracing = rememberedTracing();
  const measured: unknown[] = [];
  const work = observed(() => Promise.reject(new Error("no stock")), {
    clock,
    measure: (code, seconds) => measured.push([code, seconds]),
    span: {
      ...{ tracing, traceparent: C, parent: B, name: "work", kind: "internal" },
      describe: (error) => ({ attributes: {}, error }),
    },
  });
  await expect(work).rejects.toThrow("no stock");
  expect(measured).toEqual([["internal", 0]]);
  expect(tracing.spans).toMatchObject([{ name: "work", traceparent: C, error: "internal" }]);
});
