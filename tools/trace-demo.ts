import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { sleep, systemClock } from "../shared/async/request-context.ts";
import { createDirectFetch } from "../shared/http-client/direct-fetch.ts";
import { startObserver } from "../stack/observe/observer.ts";
import type { TraceRow, TraceSummary } from "../stack/observe/traces.ts";
import { isRuntime } from "../stack/processes/runtimes.ts";
import { allOn } from "../stack/services.ts";
import { startStack } from "../stack/start.ts";

/** On the fresh stack; the SKU is a product of the test data. */
const CART_PATH = "/user/1/cart";
const SKU = 1_625_903;
/** Spans are sent a second after they end; later on a busy machine. */
const WAIT_MAX_MS = 20_000;
const POLL_MS = 100;
const SERVICES = ["cart", "loms", "notifier"];
/** The spans of the notifications for both events of a new order. */
const LAST_SPANS = { name: "show notification", count: 2 };

const directFetch = createDirectFetch();
const say = (line: string) => void process.stdout.write(`${line}\n`);
const directory = mkdtempSync(join(tmpdir(), "marketplace-trace-demo-"));
const observer = await startObserver({ host: "127.0.0.1", port: 0 });
try {
  const { values } = parseArgs({ options: { runtime: { type: "string" } } });
  const { traceId, rows } = await tracePurchase(values.runtime ?? "");
  say(`\ntrace ${traceId}, ${rows.length} spans\n`);
  draw(rows);
  const problem = problemOf(rows);
  say(problem ? `\ntrace-demo: ${problem}` : "\ntrace-demo: one trace, checkout to notification");
  process.exitCode = problem ? 1 : 0;
} catch (error) {
  say(`trace-demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await observer.close();
  rmSync(directory, { recursive: true, force: true });
}

/** A checkout on a fresh stack; resolves with its trace once its spans have arrived. */
async function tracePurchase(runtime: string) {
  say("trace-demo: starting a stack");
  const stack = await startStack({
    dataDirectory: directory,
    ports: "free",
    durable: false,
    runtimes: allOn(isRuntime(runtime) ? runtime : undefined),
    environment: observer.settings,
  });
  try {
    const cart = `${stack.urls.cart}${CART_PATH}`;
    await call("POST", `${cart}/${SKU}`, { count: 2 });
    say(`trace-demo: bought, ${await call("POST", `${cart}/checkout`)}`);
    return await receivedTrace();
  } finally {
    await stack.close();
  }
}

async function call(method: string, url: string, body?: object): Promise<string> {
  const headers = { "content-type": "application/json" };
  const sent = body && { headers, body: JSON.stringify(body) };
  const answer = await directFetch(url, { method, ...sent });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${text}`);
  return text;
}

/** Waits for the notifications and returns the received spans of the checkout's trace. */
async function receivedTrace() {
  const read = async (path: string): Promise<unknown> =>
    JSON.parse(await call("GET", `${observer.url}/api/${path}`));
  const deadline = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const { traces } = await read("overview?find=checkout") as { traces: TraceSummary[] };
    const isLate = performance.now() > deadline;
    for (const { traceId } of traces) {
      const { rows } = await read(`traces/${traceId}`) as { rows: TraceRow[] };
      if (isLate || notificationsIn(rows) >= LAST_SPANS.count) return { traceId, rows };
    }
    if (isLate) throw new Error("the span of the checkout was not received");
    await sleep(systemClock, POLL_MS);
  }
}

function notificationsIn(rows: readonly TraceRow[]): number {
  return rows.filter(({ name }) => name === LAST_SPANS.name).length;
}

/** A line for each span, children indented: service, name, how long it took and when it began. */
function draw(rows: readonly TraceRow[]): void {
  const labels = rows.map(({ depth, service, name, failed }) =>
    `${"  ".repeat(depth)}${service.padEnd(8)} ${name}${failed ? " FAILED" : ""}`
  );
  const width = Math.max(...labels.map(({ length }) => length));
  const shown = (ms: number) => ms.toFixed(3).padStart(9);
  for (const [at, { durationMs, startMs }] of rows.entries()) {
    say(`${labels[at]?.padEnd(width)}  ${shown(durationMs)} ms  at ${shown(startMs)} ms`);
  }
}

function problemOf(rows: readonly TraceRow[]): string | undefined {
  const missing = SERVICES.filter((name) => !rows.some(({ service }) => service === name));
  if (missing.length > 0) return `the trace has no spans of ${missing.join(" and ")}`;
  const shown = notificationsIn(rows);
  if (shown < LAST_SPANS.count) return `the trace has ${shown} of two notifications`;
  const roots = rows.filter(({ depth }) => depth === 0).length;
  return roots === 1 ? undefined : `the trace has ${roots} roots`;
}
