import process from "node:process";
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
import { runTool, ToolError, UsageError, wholeNumber } from "./tool.ts";

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
const MOMENT = z.iso.datetime({ offset: true });

interface Given {
  readonly order: bigint;
  readonly since: string;
  readonly max: number;
}

/** By the command and its options; each returns undefined if there is no such order. */
const COMMANDS: Readonly<
  Record<string, (deps: EventsDeps, given: Given) => Promise<string[] | undefined>>
> = {
  "--order": (deps, { order }) => showOrder(deps, order),
  "dlq": (deps, { max }) => listDeadLetters(deps, max),
  "replay-dlq": (deps, { max }) => replayDeadLetterQueue(deps, max),
  "refused": (deps, { max }) => listRefused(deps, max),
  "replay-refused": (deps, { max }) => replayRefused(deps, max),
  "replay --since": (deps, { since, max }) => replayEvents(deps, since, max),
};

await runTool({
  name: "events",
  usage: () => USAGE,
  options: {
    order: { type: "string" },
    since: { type: "string" },
    max: { type: "string" },
  },
  async run(words, values) {
    const options = (["order", "since"] as const).filter((name) => values[name] !== undefined);
    const command = COMMANDS[[...words, ...options.map((name) => `--${name}`)].join(" ")];
    if (!command) throw new UsageError(`use one of\n${USAGE}`);
    const { since = "", order } = values;
    if (values.since !== undefined && !MOMENT.safeParse(since).success) {
      throw new UsageError(`--since is a moment such as 2026-01-02T03:04:05Z, not ${since}`);
    }
    const given = {
      order: order === undefined ? 0n : wholeNumber("--order", order, 1n),
      ...{ since, max: readMax(values.max) },
    };
    const log = createLogger({ service: "stack", level: "error" });
    const lines = await withLomsDatabase("events", async (pool, config) => {
      const bus = await createBus(config, log);
      try {
        return await command({ pool, bus }, given);
      } finally {
        await bus.close();
      }
    });
    if (!lines) throw new ToolError("There is no such order");
    return { data: lines, lines };
  },
});
// Timers of kafkajs would keep the process alive.
process.exit();
