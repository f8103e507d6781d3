import process from "node:process";
import { z } from "zod";
import { INT64_MAX } from "../proto/loms/v1/schemas.ts";
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
import { runTool, ToolError, UsageError } from "./tool.ts";

const USAGE = `npm run events -- --order 42            the events of an order, from its history
npm run events -- dlq [--max 1000]             what the notifier could not read
npm run events -- replay-dlq [--max 1000]      publishes that again, after a fix
npm run events -- refused [--max 1000]         what the bus refused permanently
npm run events -- replay-refused [--max 1000]  puts that back into the outbox, after a fix
npm run events -- replay --since 2026-01-02T03:04:05Z [--max 1000]
                                               publishes events again, from their orders' history

It finds the system that runs in this folder, else by DATABASE_URL, KAFKA_BROKERS (with its other
settings) or BUS_DATABASE_URL, as loms does.
`;
const ORDER_ID = /^[1-9][0-9]{0,18}$/;
const MOMENT = z.iso.datetime({ offset: true });

/** Returns nothing when there is no such order. */
type Task = (deps: EventsDeps, max: number) => Promise<string[] | undefined>;

interface Given {
  readonly order?: string | undefined;
  readonly since?: string | undefined;
}

/** By the command and its options. */
const COMMANDS: Readonly<Record<string, (given: Given) => Task>> = {
  "--order"({ order = "" }) {
    if (ORDER_ID.test(order) && BigInt(order) <= INT64_MAX) {
      return (deps) => showOrder(deps, BigInt(order));
    }
    throw new UsageError(`--order is the id of an order, not ${order}`);
  },
  "dlq": () => listDeadLetters,
  "replay-dlq": () => replayDeadLetterQueue,
  "refused": () => listRefused,
  "replay-refused": () => replayRefused,
  "replay --since"({ since = "" }) {
    if (MOMENT.safeParse(since).success) return (deps, max) => replayEvents(deps, since, max);
    throw new UsageError(`--since is a moment such as 2026-01-02T03:04:05Z, not ${since}`);
  },
};

await runTool({
  name: "events",
  usage: () => USAGE,
  options: {
    order: { type: "string" },
    since: { type: "string" },
    max: { type: "string" },
  },
  async run(words, { max: given, ...values }) {
    const options = (["order", "since"] as const).filter((name) => values[name] !== undefined);
    const command = COMMANDS[[...words, ...options.map((name) => `--${name}`)].join(" ")];
    if (!command) throw new UsageError(`use one of\n${USAGE}`);
    const task = command(values);
    const max = readMax(given);
    const log = createLogger({ service: "stack", level: "error" });
    const lines = await withLomsDatabase("events", async (pool, config) => {
      const bus = await createBus(config, log);
      try {
        return await task({ pool, bus }, max);
      } finally {
        await bus.close();
      }
    });
    if (!lines) throw new ToolError("There is no such order");
    return { data: lines, lines };
  },
});
// A timer of kafkajs would go on.
process.exit();
