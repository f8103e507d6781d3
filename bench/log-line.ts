/*
 * The log line of a request compared with a bare JSON.stringify of the same fields with the time.
 * All variants write the same lines in alternating rounds in one process and discard them; a figure
 * is the median over the rounds. Exits with 1 if a line takes longer than its goal.
 */
import process from "node:process";
import { createLogger, type LogFormat } from "../shared/telemetry/log.ts";
import { median } from "./statistics.ts";

const LINE_MAX_US = 10;
const ROUNDS = 9;
const LINES = 20_000;

const TRACE = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" };

function fieldsOf(number: number) {
  return {
    http_request_method: "GET",
    http_route: "/user/{user_id}/cart/list",
    http_response_status_code: 200,
    http_response_body_size: 345,
    duration_ms: (number % 1_000) / 1_000,
    request_id: "b7ad6b7169203331",
  };
}

/** The last line; storing it prevents the compiler from skipping the work. */
let last = "";

function lineOf(format: LogFormat): (number: number) => void {
  const write = (line: string) => last = line;
  const log = createLogger({ service: "cart", level: "info", format, write });
  return (number) => log.info("request", fieldsOf(number), TRACE);
}

const disabled = createLogger({ service: "cart", level: "warn", format: "json" });
const SUBJECTS = {
  "a JSON line": lineOf("json"),
  "a line in colours": lineOf("pretty"),
  "a line below the level": (number: number) => disabled.info("request", fieldsOf(number), TRACE),
  "bare JSON.stringify": (number: number) => {
    const timestamp = new Date().toISOString();
    const [trace_id, span_id] = [TRACE.traceId, TRACE.spanId];
    const head = { service: "cart", timestamp, level: "info", message: "request" };
    last = `${JSON.stringify({ ...head, trace_id, span_id, ...fieldsOf(number) })}\n`;
  },
} as const;

/** Microseconds per line. */
function measure(line: (number: number) => void): number {
  const startedAt = performance.now();
  for (let number = 0; number < LINES; number++) line(number);
  return (performance.now() - startedAt) * 1_000 / LINES;
}

const rounds = Object.entries(SUBJECTS).map(([name, line]) => ({ name, line, us: [] as number[] }));
for (let round = -1; round < ROUNDS; round++) {
  for (const { line, us } of rounds) {
    const measured = measure(line);
    // The first round is a warm-up.
    if (round >= 0) us.push(measured);
  }
}
const bare = median(rounds.at(-1)?.us ?? []);
for (const { name, us } of rounds) {
  const ratio = (median(us) / bare).toFixed(2);
  console.log(`${name.padEnd(24)} ${median(us).toFixed(2).padStart(6)} µs  ${ratio}x bare`);
}
console.log(`the last line: ${last.trimEnd()}`);
process.exitCode = median(rounds[0]?.us ?? []) <= LINE_MAX_US ? 0 : 1;
