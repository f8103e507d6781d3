import process from "node:process";
import { vi } from "vitest";
import { podman, tryRun } from "./engine.ts";

/** A killed container is back within seconds, Kafka after the end of its old session. */
export const BACK_MAX_MS = 90_000;
const PROBE_INTERVAL_MS = 250;
/** HAProxy's metrics, as in deploy/haproxy/haproxy.cfg. */
const PROXY_METRICS = "http://127.0.0.1:8404/metrics";

/** The first result of `probe` that is not a failure; fails with the last after `withinMs`. */
export function eventually<Result>(
  probe: () => Result | Promise<Result>,
  withinMs = BACK_MAX_MS,
): Promise<Result> {
  return vi.waitFor(probe, { timeout: withinMs, interval: PROBE_INTERVAL_MS });
}

interface State {
  readonly Pid: number;
  readonly Running: boolean;
  readonly ExitCode: number;
}

/** The containers of one compose project, each by the name of its service. */
export function containersOf(project: string) {
  const nameOf = (service: string, index = 1) => `${project}_${service}_${index}`;
  const stateOf = (service: string, index = 1) =>
    JSON.parse(podman("inspect", "--format", "{{json .State}}", nameOf(service, index))) as State;
  return {
    nameOf,
    stateOf,
    /** The output of a command in a container. */
    exec: (service: string, ...command: string[]) => podman("exec", nameOf(service), ...command),
    tryExec: (service: string, ...command: string[]) =>
      tryRun("podman", ["exec", nameOf(service), ...command]),
    /** Its output on both streams. */
    logs(service: string, index = 1): string {
      const { stdout, stderr } = tryRun("podman", ["logs", nameOf(service, index)]);
      return `${stdout}\n${stderr}`;
    },
    /** Its health check, run once. */
    isHealthy: (service: string, index = 1) =>
      tryRun("podman", ["healthcheck", "run", nameOf(service, index)]).code === 0,
    /** Kills the first process from outside, as the kernel would, without the engine. */
    kill(service: string, index = 1): void {
      process.kill(stateOf(service, index).Pid, "SIGKILL");
    },
    /** The successful requests of each container that the proxy considers ready. */
    servedBy(backend: string): number[] {
      const metrics = podman("exec", nameOf("proxy"), "wget", "-qO-", PROXY_METRICS);
      const ready = metrics.matchAll(
        new RegExp(
          `^haproxy_server_status\\{proxy="${backend}",server="(\\w+)",state="UP"\\} 1$`,
          "gm",
        ),
      );
      return Array.from(ready, ([, server]) => {
        const labels = `proxy="${backend}",server="${server}",code="2xx"`;
        const [, count] = metrics.split(`haproxy_server_http_responses_total{${labels}} `);
        return Number.parseInt(count ?? "", 10);
      });
    },
    /** The result of a query, columns separated by `|`. */
    sql: (service: string, query: string, database = "postgres") =>
      podman("exec", nameOf(service), "psql", "-U", "postgres", "-d", database, "-Atc", query),
  };
}

/** The JSON lines of a log, without messages of a runtime. */
export function jsonLines(log: string): Record<string, unknown>[] {
  return log.split("\n").filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
