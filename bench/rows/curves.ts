import { CloseStack } from "../../shared/lifecycle.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import type { Measured } from "../load/load.ts";
import { alternate, perSecond, type Variant } from "../rounds.ts";
import { median, ratios } from "../statistics.ts";
import { bytesPerCartLine, openCartGrowth } from "../subjects/cart-growth.ts";
import { type Growth, openEventGrowth, openOrderGrowth } from "../subjects/loms-growth.ts";
import { openCallers } from "../subjects/callers.ts";

const RATE_MIN = 0.85;
const P99_MAX = 1.5;
const BYTES_MAX = 260;
const QUICK_SIZE_MAX = 100_000;
const CLOSE_MAX_MS = 60_000;

/** A quantity that grows: its sizes, and the goals of each load at the largest. */
interface Case {
  readonly name: string;
  readonly sizes: readonly number[];
  readonly loads: readonly { readonly name: string; readonly rate: Goal; readonly p99: Goal }[];
  open(opened: CloseStack): Promise<Growth>;
}

function caseOf(
  name: string,
  sizes: readonly number[],
  loads: readonly string[],
  open: Case["open"],
): Case {
  const reference = `its own with ${sizes[0]?.toLocaleString("en")}`;
  const goals = loads.map((load) => {
    const what = `${load}, ${name}`;
    const common = { bench: "B8", reference, unit: "x" } as const;
    return {
      name: load,
      rate: { ...common, what: `${what}: calls per second`, atLeast: RATE_MIN },
      p99: { ...common, what: `${what}: p99`, atMost: P99_MAX },
    };
  });
  return { name, sizes, loads: goals, open };
}

const CASES: readonly Case[] = [
  caseOf(
    "orders",
    [10_000, 100_000, 1_000_000, 10_000_000],
    ["OrderCreate", "OrderInfo", "OrderList"],
    openOrderGrowth,
  ),
  caseOf("carts", [1, 1_000, 100_000, 1_000_000], ["add", "list"], openCartGrowth),
  caseOf("callers", [1, 8, 64, 512], ["OrderCreate"], openCallers),
  caseOf("published events", [0, 100_000, 1_000_000], ["OrderCreate to the bus"], openEventGrowth),
];
const BYTES: Goal = { bench: "B8", what: "memory of a cart line", atMost: BYTES_MAX, unit: "B" };

export const CURVES: Bench = {
  name: "B8",
  title: "the same work among more",
  goals: [...CASES.flatMap(({ loads }) => loads.flatMap(({ rate, p99 }) => [rate, p99])), BYTES],
  run,
};

async function run(lab: Lab): Promise<void> {
  for (const each of CASES) await runCase(lab, each);
  const bytes = await bytesPerCartLine(lab.isQuick ? QUICK_SIZE_MAX : 1_000_000);
  const shown = bytes.map(({ linesPerCart, bytes }) => `${bytes.toFixed(0)} with ${linesPerCart}`);
  lab.record(BYTES, [Math.max(...bytes.map((each) => each.bytes))], `${shown.join(", ")} a cart`);
}

async function runCase(lab: Lab, { name, sizes, loads, open }: Case): Promise<void> {
  const opened = new CloseStack(CLOSE_MAX_MS);
  lab.opened.push(name, () => opened.close());
  const growth = await open(opened);
  const first = { x: sizes[0] ?? 0, y: 1 };
  const lines = loads.map((load) => ({ name: load.name, points: [first] }));
  const larger = sizes.slice(1);
  const quick = larger.filter((size) => size <= QUICK_SIZE_MAX).slice(-1);
  for (const size of lab.isQuick ? quick : larger) {
    lab.say(`${name}: ${size}`);
    await growth.growTo(size);
    for (const [index, load] of loads.entries()) {
      const ratio = await measureLoad(lab, growth, { ...load, size });
      lines[index]?.points.push({ x: size, y: ratio });
    }
  }
  await opened.close();
  lab.curves.push({
    ...{ name, xLabel: name, yLabel: "calls per second of those at the smallest", lines },
    isLogarithmic: true,
  });
}

/** Alternates with the smallest; returns the ratio of their calls per second. */
async function measureLoad(
  lab: Lab,
  growth: Growth,
  { name, rate, p99, size }: Case["loads"][number] & { readonly size: number },
): Promise<number> {
  const variants = growth.variantsOf(name, size).map((variant): Variant => ({
    ...variant,
    isOpenToo: false,
  }));
  const [small = [], large = []] = await alternate(lab, variants);
  const rates = ratios(perSecond(large), perSecond(small));
  const note = `at ${size.toLocaleString("en")}`;
  lab.record(rate, rates, note);
  lab.record(p99, ratios(p99Of(large), p99Of(small)), note);
  return median(rates);
}

function p99Of(rounds: readonly Measured[]): number[] {
  return rounds.map(({ p99_ms }) => p99_ms);
}
