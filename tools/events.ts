import process from "node:process";
import { parseArgs } from "node:util";
import { z } from "zod";
import { createBus } from "../shared/bus/create-bus.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import {
  type EventsDeps,
  listDeadLetters,
  listRefused,
  replayDeadLetterQueue,
  replayEvents,
  replayRefused,
  showOrder,
} from "./events/commands.ts";
import { readMax, withLomsDatabase } from "./loms-database.ts";

const USAGE = `npm run events -- --order 42            the events of an order, from its history
npm run events -- dlq [--max 1000]             what the notifier could not read
npm run events -- replay-dlq [--max 1000]      publishes that again, after a fix
npm run events -- refused [--max 1000]         what the bus refused permanently
npm run events -- replay-refused [--max 1000]  puts that back into the outbox, after a fix
npm run events -- replay --since 2026-01-02T03:04:05Z [--max 1000]
                                               publishes events again, from their orders' history

It finds the system that runs in this folder, else by DATABASE_URL, KAFKA_BROKERS (with its other
settings) or BUS_DATABASE_URL, as loms does.`;
const ORDER_ID = /^[1-9][0-9]{0,18}$/;
const MOMENT = z.iso.datetime({ offset: true });
const ORDER_ID_MAX = 2n ** 63n - 1n;

const COMMANDS: Readonly<Record<string, (deps: EventsDeps, max: number) => Promise<string[]>>> = {
  "dlq": listDeadLetters,
  "replay-dlq": replayDeadLetterQueue,
  "refused": listRefused,
  "replay-refused": replayRefused,
};

/** What a run is to do; it answers with lines, or with nothing when there is no such order. */
type Task = (deps: EventsDeps) => Promise<string[] | undefined>;

try {
  const lines = await withDeps(readTask());
  if (!lines) throw new Error("There is no such order");
  process.stdout.write(`${lines.join("\n")}\n`);
  process.exit(0);
} catch (error) {
  const cause = (error as Error).cause;
  const reason = cause instanceof Error ? `: ${cause.message}` : "";
  process.stderr.write(`${(error as Error).message}${reason}\n`);
  process.exit(1);
}

function readCommandLine() {
  const { values, positionals } = parseArgs({
    options: {
      order: { type: "string" },
      since: { type: "string" },
      max: { type: "string" },
      help: { type: "boolean", short: "h" },
    },
    allowPositionals: true,
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    process.exit(0);
  }
  return { ...values, positionals };
}

function readTask(): Task {
  const { order, since, max: given, positionals } = readCommandLine();
  const [command, ...others] = positionals;
  if (others.length > 0 || (command === "replay") !== (since !== undefined)) {
    throw new Error(USAGE);
  }
  const max = readMax(given);
  if (since !== undefined && order === undefined) {
    const from = readMoment(since);
    return (deps) => replayEvents(deps, from, max);
  }
  const run = COMMANDS[command ?? ""];
  if (run && order === undefined) return (deps) => run(deps, max);
  if (order === undefined || command !== undefined) throw new Error(USAGE);
  const orderId = readOrderId(order);
  return (deps) => showOrder(deps, orderId);
}

function readMoment(text: string): string {
  if (MOMENT.safeParse(text).success) return text;
  throw new Error(`--since is a moment such as 2026-01-02T03:04:05Z, not ${text}`);
}

function readOrderId(text: string): bigint {
  if (ORDER_ID.test(text) && BigInt(text) <= ORDER_ID_MAX) return BigInt(text);
  throw new Error(`--order is the id of an order, not ${text}`);
}

async function withDeps(task: Task): Promise<string[] | undefined> {
  const log = createLogger({ service: "stack", level: "error" });
  return await withLomsDatabase("events", async (pool, config) => {
    const bus = await createBus(config, log);
    try {
      return await task({ pool, bus });
    } finally {
      await bus.close();
    }
  });
}
