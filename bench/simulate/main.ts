import process from "node:process";
import { parseArgs } from "node:util";
import { MEASURED_COSTS } from "./costs.ts";
import { type Layout, type Load, type Simulated, simulateOrders } from "./orders.ts";

const USAGE = `npm run simulate -- [--orders-per-second N]… [--callers N]…
                        what OrderCreate does under a load, by the measured costs of its parts

  --orders-per-second N orders that arrive by chance at this rate
  --callers N           callers; each waits for its answer before its next order
  --loms N              how many loms, 1 unless given
  --cores N             cores of each machine, 2 unless given; every part has its own machine
  --together            all parts on one machine, with the load generator, as in a measurement
  --seconds N           of simulated time, 5 unless given
Without a load it prints a curve. docs/scale.md explains the figures.
`;
const NOT_UNDERSTOOD = 2;
const CURVE = [10, 100, 1_000, 2_000, 3_000, 4_000, 5_000, 10_000].map(String);

process.exitCode = main();

function main(): number {
  let loads: readonly Load[];
  let layout: Layout;
  let durationMs: number;
  try {
    const { values } = parseArgs({
      options: {
        "orders-per-second": { type: "string", multiple: true, default: [] },
        callers: { type: "string", multiple: true, default: [] },
        loms: { type: "string", default: "1" },
        cores: { type: "string", default: "2" },
        together: { type: "boolean", default: false },
        seconds: { type: "string", default: "5" },
        help: { type: "boolean", short: "h", default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      return 0;
    }
    const { callers } = values;
    const rates = values["orders-per-second"];
    const isGiven = rates.length + callers.length > 0;
    loads = [
      ...(isGiven ? rates : CURVE).map((rate): Load => ({
        kind: "open",
        perSecond: readNumber("--orders-per-second", rate, 1_000_000),
      })),
      ...callers.map((count): Load => ({
        kind: "closed",
        callers: readNumber("--callers", count, 10_000),
      })),
    ];
    layout = {
      loms: readNumber("--loms", values.loms, 1_000),
      cores: readNumber("--cores", values.cores, 1_000),
      together: values.together,
    };
    durationMs = readNumber("--seconds", values.seconds, 3_600) * 1_000;
  } catch (error) {
    process.stderr.write(`simulate: ${(error as Error).message}\n\n${USAGE}`);
    return NOT_UNDERSTOOD;
  }
  for (const load of loads) {
    show(load, simulateOrders(MEASURED_COSTS, layout, load, { durationMs }));
  }
  return 0;
}

/** @throws {Error} naming the option */
function readNumber(option: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${option}: "${text}" is not a whole number from 1 to ${max}`);
}

function show(load: Load, simulated: Simulated): void {
  const { perSecond, refusedPerSecond, p50Ms, p99Ms, batch, busy } = simulated;
  const offered = load.kind === "open" ? `${load.perSecond} orders/s` : `${load.callers} callers`;
  const shares = [...busy].filter(([, share]) => share > 0).sort((a, b) => b[1] - a[1])
    .map(([name, share]) => `${name} ${share.toFixed(2)}`);
  process.stdout.write(
    `${offered}: ${Math.round(perSecond)} answered/s, ${Math.round(refusedPerSecond)} refused/s, ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ` +
      `${batch.toFixed(1)} orders a transaction\n  cores busy: ${shares.join(", ")}\n`,
  );
}
