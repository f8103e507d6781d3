import { expect, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { VirtualClock } from "../async/virtual-clock.ts";
import { serveTogether, sharedPlace } from "./serve-together.ts";

const place = (id: string, flags: string) => `00-${"a".repeat(32)}-${id.repeat(16)}-${flags}`;
const [A, B, C] = [place("a", "00"), place("b", "01"), place("c", "01")] as const;

test("sharedPlace() is in the first trace that is sampled and links to the others", () => {
  expect(sharedPlace([A, B, C])).toEqual({ traceparent: B, alsoServes: [C] });
});

test("sharedPlace() is in the first trace when none is sampled", () => {
  expect(sharedPlace([A])).toEqual({ traceparent: A, alsoServes: [] });
});

test("serveTogether() has the deadline of the first", () => {
  const clock = new VirtualClock();
  const first = new RequestContext({ traceparent: A, timeoutMs: 10, clock });
  const second = new RequestContext({ traceparent: B, timeoutMs: 99, clock });
  const both = serveTogether([first, second]);
  expect([both.remainingMs(), both.traceparent]).toEqual([10, B]);
  expect(serveTogether([first])).toBe(first);
});
