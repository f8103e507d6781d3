import process from "node:process";
import type { TestProject } from "vitest/node";
import { CloseStack } from "../shared/lifecycle.ts";
import { startOtlpReceiver } from "../stack/test/otlp-receiver.ts";
import { STACK_STOP_MAX_MS } from "../stack/start.ts";
import { type SharedShop, startOwnStack } from "./own-stack.ts";
import { startPrometheus, whyNoPrometheus } from "./prometheus.ts";

/** A stack, and the Prometheus that scrapes it. */
export interface Observed {
  readonly shop: SharedShop;
  readonly prometheus: string;
}

declare module "vitest" {
  interface ProvidedContext {
    /** Undefined if Prometheus cannot run here. */
    observed: Observed | undefined;
  }
}

/**
 * Without Prometheus the tests are skipped, and the reason is printed, unless
 * OBSERVABILITY_TESTS=required.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reason = whyNoPrometheus();
  if (reason) {
    if (process.env.OBSERVABILITY_TESTS === "required") {
      throw new Error(`Cannot test with Prometheus: ${reason}`);
    }
    process.stdout.write(`The tests against Prometheus are skipped: ${reason}\n`);
    project.provide("observed", undefined);
    return () => Promise.resolve();
  }
  const opened = new CloseStack(STACK_STOP_MAX_MS);
  try {
    project.provide("observed", await start(opened));
  } catch (error) {
    await opened.close();
    throw error;
  }
  return () => opened.close();
}

async function start(opened: CloseStack): Promise<Observed> {
  const collector = await startOtlpReceiver();
  opened.push("the collector", () => collector.close());
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const stack = await startOwnStack({ environment });
  opened.push("the stack", () => stack.close());
  const { urls, databases, logDirectory } = stack;
  const { cart, loms = "", notifier, products } = urls;
  const prometheus = await startPrometheus({ cart, loms, notifier, products });
  opened.push("Prometheus", () => prometheus.close());
  return { shop: { urls, databases, logDirectory }, prometheus: prometheus.url };
}
