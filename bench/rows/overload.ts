import type { Bench, Curve, Goal, Lab } from "../lab.ts";
import { generate, generatorCommand, type Load, type Measured } from "../load/load.ts";
import type { Window } from "../load/report.ts";
import { orderRequests, SKUS, startLoms } from "../subjects/loms.ts";
import { fillStock, openPostgres } from "../subjects/postgres.ts";

const FACTORS = [1.5, 2, 10] as const;
/** Enough callers to fill the batches, which measures the capacity of loms. */
const CALLERS = 512;
const REQUESTS = 20_000;
const CAPACITY_SECONDS = 3;
const OVERLOAD_SECONDS = { full: 30, quick: 5 } as const;
/** The deadline that loms sets for calls without one. */
const TIMEOUT_MS = 5_000;
/** Load before and after, as a share of the capacity. */
const NORMAL_SHARE = 0.5;
const BEFORE_SECONDS = 2;
const AFTER_SECONDS = 6;
const WINDOW_SECONDS = 0.5;
/** Latency is normal if its p99 is at most this many times the earlier one, or this many ms. */
const NORMAL = { factor: 2, ms: 25 } as const;

const CASES = FACTORS.map((factor) => ({
  factor,
  goodput: {
    ...{ bench: "B9", what: `goodput at ${factor} times the capacity`, unit: "x" },
    ...{ reference: "own capacity", atLeast: 0.85 },
  } satisfies Goal,
  recovery: {
    ...{ bench: "B9", what: `until latency is normal after ${factor} times the capacity` },
    ...{ atMost: 5, unit: "s" },
  } satisfies Goal,
}));

export const OVERLOAD: Bench = {
  name: "B9",
  title: "more orders than the capacity of loms, then half of it",
  goals: CASES.flatMap(({ goodput, recovery }) => [goodput, recovery]),
  run,
};

async function run(lab: Lab): Promise<void> {
  const postgres = await openPostgres(lab.opened, { databases: ["loms", "bus"] });
  const database = await postgres.loms("loms");
  await fillStock(database, SKUS);
  const loms = await startLoms({ postgres, database }, lab.opened);
  const parts = [loms, ...postgres.parts];
  const load = {
    ...{ protocol: "grpc", addresses: [loms.grpc], requests: orderRequests(REQUESTS) },
    ...{ callers: CALLERS, seconds: CAPACITY_SECONDS, timeout_ms: TIMEOUT_MS },
  } satisfies Load;
  const send = (changes: Partial<Load>) => generate({ ...load, ...changes }, parts);
  const seconds = lab.isQuick ? OVERLOAD_SECONDS.quick : OVERLOAD_SECONDS.full;
  const isGo = (await generatorCommand()).length === 1;
  const lines: Curve["lines"][number][] = [];
  await send({});
  for (const { factor, goodput, recovery } of CASES) {
    const capacity = await send({});
    const rate = capacity.perSecond;
    const normal = { rate: NORMAL_SHARE * rate };
    const before = await send({ ...normal, seconds: BEFORE_SECONDS });
    const overload = await send({ rate: factor * rate, seconds, warm_up_seconds: 0 });
    const after = await send({ ...normal, seconds: AFTER_SECONDS, warm_up_seconds: 0 });
    lab.subject(`capacity before ${factor} times`, [capacity], before);
    lab.subject(`${factor} times for ${seconds} s`, [overload], after);
    lab.say(`${factor} times: ${Math.round(overload.perSecond)} of ${Math.round(rate)}/s`);
    const notes = [
      notesOf(overload),
      ...(isGo ? [] : ["Go is not installed: the generator is Node's"]),
    ];
    lab.record(goodput, [overload.perSecond / rate], ...notes);
    lab.record(recovery, [recoverySeconds(before, after.windows)]);
    const windows = [...overload.windows, ...after.windows];
    const points = windows.map(({ calls }, index) => (
      { x: index * WINDOW_SECONDS, y: calls / WINDOW_SECONDS / rate }
    ));
    lines.push({ name: `${factor} times`, points });
  }
  lab.curves.push({
    ...{ name: "overload", xLabel: `seconds; overload ends at ${seconds}`, isLogarithmic: false },
    ...{ yLabel: "successful calls of the capacity", lines },
  });
}

/** The end of the first window whose latency is as before; infinite if there is none. */
function recoverySeconds(before: Measured, windows: readonly Window[]): number {
  const most = Math.max(NORMAL.factor * before.p99_ms, NORMAL.ms);
  const isNormal = ({ calls, failed, p99_ms }: Window) =>
    calls > 0 && failed === 0 && p99_ms <= most;
  const first = windows.findIndex(isNormal);
  return first < 0 ? Infinity : (first + 1) * WINDOW_SECONDS;
}

function notesOf({ calls, failed, unsent, p99_ms, generatorCores }: Measured): string {
  const refused = Object.entries(failed).map(([status, count]) => `${count} ${status}`);
  const shown = [`${calls} ok with p99 ${p99_ms.toFixed(0)} ms`, ...refused];
  if (unsent > 0) shown.push(`${unsent} not sent, too many were in flight`);
  return `${shown.join(", ")}; generator ${generatorCores.toFixed(2)} cores`;
}
