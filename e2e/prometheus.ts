import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { sleep, systemClock } from "../shared/async/request-context.ts";
import { freePorts } from "../stack/ports.ts";
import { type Child, spawnChild } from "../stack/processes/child.ts";
import { send } from "./http.ts";

const RULES = fileURLToPath(new URL("../deploy/prometheus/rules/*.yml", import.meta.url));
/** Short, so that a test sees its own effects; Grafana computes rates over five of them. */
const SCRAPE_INTERVAL = "1s";
/** It maps hundreds of MB, and the machine may be busy. */
const READY_MAX_MS = 60_000;
const READY_POLL_MS = 50;

export interface Prometheus {
  readonly url: string;
  close(): Promise<void>;
}

/** Why the tests with Prometheus cannot run here, if they cannot. */
export function whyNoPrometheus(): string | undefined {
  const missing = ["prometheus", "promtool"].filter((command) =>
    spawnSync(command, ["--version"], { stdio: "ignore" }).status !== 0
  );
  if (missing.length === 0) return undefined;
  return `not installed: ${missing.join(", ")} (Debian's package prometheus has both)`;
}

/** Starts Debian's Prometheus with our rules; `jobs` are the services' URLs by their names. */
export async function startPrometheus(jobs: Readonly<Record<string, string>>): Promise<Prometheus> {
  const [port = 0] = await freePorts(1);
  const directory = mkdtempSync(join(tmpdir(), "marketplace-prometheus-"));
  const configuration = join(directory, "prometheus.yml");
  // JSON is valid YAML.
  writeFileSync(configuration, JSON.stringify(configurationFor(jobs)));
  const url = `http://127.0.0.1:${port}`;
  const child = await spawnChild({
    command: "prometheus",
    args: [
      `--config.file=${configuration}`,
      `--storage.tsdb.path=${join(directory, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--log.level=error",
    ],
    environment: process.env,
    deathSignal: "SIGKILL",
  });
  const prometheus = {
    url,
    async close() {
      child.process.kill("SIGTERM");
      await child.ended;
      rmSync(directory, { recursive: true, force: true });
    },
  };
  try {
    await waitUntilReady(url, child);
    return prometheus;
  } catch (error) {
    await prometheus.close();
    throw error;
  }
}

async function waitUntilReady(url: string, child: Child): Promise<void> {
  let stderr = "";
  child.process.stderr?.on("data", (text) => stderr += String(text));
  const deadline = performance.now() + READY_MAX_MS;
  while (child.ending() === undefined && performance.now() < deadline) {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    if (answer?.ok) return;
    await Promise.race([child.ended, sleep(systemClock, READY_POLL_MS)]);
  }
  throw new Error(`Prometheus is not ready (${child.ending() ?? "it took too long"}): ${stderr}`);
}

function configurationFor(jobs: Readonly<Record<string, string>>): object {
  return {
    global: { scrape_interval: SCRAPE_INTERVAL, evaluation_interval: SCRAPE_INTERVAL },
    rule_files: [RULES],
    scrape_configs: Object.entries(jobs).map(([name, service]) => ({
      job_name: name,
      static_configs: [{ targets: [new URL(service).host] }],
    })),
  };
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * The current samples of a PromQL expression.
 * @throws {Error} with the message of Prometheus for an invalid expression
 */
export async function query(prometheus: string, expression: string): Promise<Sample[]> {
  const path = `/api/v1/query?${new URLSearchParams({ query: expression })}`;
  const { body } = await send(prometheus, `GET ${path}`);
  if (body.status !== "success") throw new Error(`${body.error}: ${expression}`);
  const { result } = body.data as {
    result: { metric: Sample["labels"]; value: [number, string] }[];
  };
  return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }));
}
