import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { systemClock } from "../shared/async/clock.ts";
import { sleep } from "../shared/async/sleep.ts";
import { createDirectFetch } from "../shared/http-client/direct-fetch.ts";
import { type OtlpReceiver, startOtlpReceiver } from "../stack/otlp/receiver.ts";
import { depthFirst, milliseconds, type SpanNode, spanTrees } from "../stack/otlp/span-tree.ts";
import type { ReceivedSpan } from "../stack/otlp/read-spans.ts";
import { isRuntime } from "../stack/processes/runtimes.ts";
import { allOn } from "../stack/services.ts";
import { startStack } from "../stack/start.ts";

/** A product of the test data. */
const SKU = 1_625_903;
const USER_MAX = 2 ** 40;
/** Spans are sent a second after they ended; this is for a machine that is very busy. */
const WAIT_MAX_MS = 20_000;
const POLL_MS = 100;
const SERVICES = ["cart", "loms", "notifier"];
/** The spans of the notifications for both events of a new order. */
const LAST_SPANS = { name: "show notification", count: 2 };

const say = (line: string) => void process.stdout.write(`${line}\n`);
const directory = mkdtempSync(join(tmpdir(), "marketplace-trace-demo-"));
const receiver = await startOtlpReceiver();
try {
  const { values } = parseArgs({ options: { runtime: { type: "string" } } });
  const traceId = await buySomething(values.runtime ?? "");
  const spans = receiver.spans.filter((span) => span.traceId === traceId);
  const trees = spanTrees(spans);
  say(`\ntrace ${traceId}, ${spans.length} spans\n`);
  for (const line of drawTrees(trees)) say(line);
  const problem = problemOf(spans, trees.length);
  say(problem ? `\ntrace-demo: ${problem}` : "\ntrace-demo: one trace, checkout to notification");
  process.exitCode = problem ? 1 : 0;
} catch (error) {
  say(`trace-demo: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
} finally {
  await receiver.close();
  rmSync(directory, { recursive: true, force: true });
}

/** A checkout on a fresh stack; resolves with its trace's id when its spans have come. */
async function buySomething(runtime: string): Promise<string> {
  say("trace-demo: starting a stack of its own");
  const stack = await startStack({
    dataDirectory: directory,
    ports: "free",
    durable: false,
    runtimes: allOn(isRuntime(runtime) ? runtime : undefined),
    environment: { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url },
  });
  try {
    const cart = `${stack.urls.cart}/user/${randomInt(1, USER_MAX)}/cart`;
    await post(`${cart}/${SKU}`, { count: 2 });
    say(`trace-demo: bought, ${await post(`${cart}/checkout`)}`);
    return await receivedTrace(receiver);
  } finally {
    await stack.close();
  }
}

async function post(url: string, body?: unknown): Promise<string> {
  const init = body === undefined ? {} : {
    body: JSON.stringify(body),
    headers: { "content-type": "application/json" },
  };
  const answer = await createDirectFetch()(url, { method: "POST", ...init });
  const text = await answer.text();
  if (answer.status !== 200) throw new Error(`${url} answered ${answer.status}: ${text}`);
  return text;
}

/** Waits for the notifications and returns the trace id of the checkout. */
async function receivedTrace({ spans }: OtlpReceiver): Promise<string> {
  const deadline = performance.now() + WAIT_MAX_MS;
  for (;;) {
    const checkout = spans.find(({ name }) => name.endsWith("/cart/checkout"));
    const shown = spans.filter(({ name, traceId }) =>
      name === LAST_SPANS.name && traceId === checkout?.traceId
    );
    if (checkout && shown.length >= LAST_SPANS.count) return checkout.traceId;
    if (performance.now() > deadline) {
      if (checkout) return checkout.traceId;
      throw new Error("the span of the checkout has not come");
    }
    await sleep(systemClock, POLL_MS);
  }
}

/** A line for each span, children indented: service, name, how long it took and when it began. */
function drawTrees(trees: readonly SpanNode[]): string[] {
  const first = trees[0]?.span.startNs ?? 0n;
  const rows = depthFirst(trees).map(({ span, depth }) => {
    const failed = span.failed ? " FAILED" : "";
    const label = `${"  ".repeat(depth)}${span.service.padEnd(8)} ${span.name}${failed}`;
    return { label, span };
  });
  const width = Math.max(...rows.map(({ label }) => label.length));
  const shown = (ns: bigint) => milliseconds(ns).toFixed(3).padStart(9);
  return rows.map(({ label, span: { startNs, endNs } }) =>
    `${label.padEnd(width)}  ${shown(endNs - startNs)} ms  at ${shown(startNs - first)} ms`
  );
}

function problemOf(spans: readonly ReceivedSpan[], roots: number): string | undefined {
  const missing = SERVICES.filter((name) => !spans.some(({ service }) => service === name));
  if (missing.length > 0) return `the trace has nothing of ${missing.join(" and ")}`;
  const shown = spans.filter(({ name }) => name === LAST_SPANS.name).length;
  if (shown < LAST_SPANS.count) return `the trace shows ${shown} notifications of two`;
  if (roots !== 1) return `the trace is in ${roots} pieces`;
  return undefined;
}
