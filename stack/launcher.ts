import process from "node:process";
import { parseArgs } from "node:util";
import { runUntilSignal } from "../shared/run-service.ts";
import { stopWithReader } from "../shared/signals.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { isRuntime } from "./processes/runtimes.ts";
import { allOn } from "./services.ts";
import { DATA_DIRECTORY } from "./stack-file.ts";
import type { Observer } from "./observe/observer.ts";
import { readyBlock, renderLine } from "./show.ts";
import { type Stack, STACK_STOP_MAX_MS, startStack } from "./start.ts";

const USAGE = `npm start -- [--runtime node|deno] [--kafka] [--observe] [--free-ports]

  --runtime node|deno  runs every service on this runtime; Node unless said otherwise
  --kafka              starts Apache Kafka, too, which takes Java (and Maven the first time, to
                       fetch it), and puts the order events on it
  --observe            shows traces, metrics and logs on one page
  --free-ports         takes free ports instead of the documented ones
`;
const OBSERVE_PORT = 8088;
/** Settings that send spans elsewhere, in another form, or not at all. */
const SPAN_SETTING =
  /^OTEL_(SDK_DISABLED|TRACES_EXPORTER|EXPORTER_OTLP_(TRACES_)?(ENDPOINT|PROTOCOL|COMPRESSION))$/;
const GRACE_MS = STACK_STOP_MAX_MS + 5_000;

const { LOG_FORMAT } = process.env;
// The start reports a wrong value, with every other wrong setting.
const pretty = LOG_FORMAT ? LOG_FORMAT === "pretty" : process.stdout.isTTY;
const log = createLogger({ service: "stack", level: "info", format: pretty ? "pretty" : "json" });

stopWithReader();
// It repeats for a person what stdout has. Node throws an error that has no listener.
process.stderr.on("error", () => {});
await runUntilSignal(log, start, { graceMs: GRACE_MS, startMs: GRACE_MS });

async function start(): Promise<Stack> {
  const startedAt = performance.now();
  const { runtime, kafka, observe, freePorts } = readArguments();
  try {
    const observer = observe ? await observerFor(freePorts) : undefined;
    const stack = await startStack({
      dataDirectory: process.env.STACK_DATA || DATA_DIRECTORY,
      ports: freePorts ? "free" : "documented",
      environment: { ...process.env, ...observer?.settings },
      runtimes: allOn(runtime),
      kafka,
      onLine(part, line) {
        observer?.addLine(part, line);
        process.stdout.write(`${pretty ? renderLine(line) : line}\n`);
      },
      onEnd: (part, ending) => log.error(`${part} has ended unexpectedly`, { part, ending }),
    });
    observer?.watch(stack.urls);
    reportReady(stack, performance.now() - startedAt, observer?.url);
    return { ...stack, close: () => stack.close().finally(() => observer?.close()) };
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
}

function reportReady(stack: Stack, startedInMs: number, observe: string | undefined): void {
  const block = readyBlock(stack, startedInMs, observe);
  // With LOG_FORMAT=json, standard output has JSON lines only.
  if (pretty) process.stdout.write(`${block}\n`);
  else {
    log.info("ready", { ...stack.urls, observe });
    process.stderr.write(`${block}\n`);
  }
}

/** @throws {Error} if spans are already sent elsewhere, or the port is in use */
async function observerFor(freePorts: boolean): Promise<Observer> {
  const { env } = process;
  const set = Object.keys(env).find((name) => env[name] && SPAN_SETTING.test(name));
  if (set) {
    throw new Error(
      `${set} already configures spans: unset it, or start without --observe`,
    );
  }
  const { startObserver } = await import("./observe/observer.ts");
  return await startObserver({ host: "127.0.0.1", port: freePorts ? 0 : OBSERVE_PORT });
}

function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        runtime: { type: "string" },
        kafka: { type: "boolean", default: false },
        observe: { type: "boolean", default: false },
        "free-ports": { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    });
    const { runtime, help, kafka, observe, "free-ports": freePorts } = values;
    if (help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    if (runtime !== undefined && !isRuntime(runtime)) {
      return fail(`--runtime is node or deno, not ${runtime}`);
    }
    return { runtime, kafka, observe, freePorts };
  } catch (error) {
    return fail(`${(error as Error).message}\n${USAGE}`);
  }
}

function fail(sentence: string): never {
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
