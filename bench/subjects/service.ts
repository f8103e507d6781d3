import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { SYSTEM_PATH } from "../../stack/processes/child.ts";
import { ServiceProcess } from "../../stack/processes/service-process.ts";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";
import type { Part } from "../cpu-time.ts";
import type { Suspended } from "../rounds.ts";

export interface ServiceOptions {
  readonly name: string;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly readyUrl: string;
  /** Its working directory; by default the project. */
  readonly directory?: string;
  onLine?(line: string): void;
}

/** A process of ours or of a reference, with the files of its output. */
export interface Service extends Part, Suspended {
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts a process and leaves it running; it ends with the bench. */
export async function startService(options: ServiceOptions, opened: CloseStack): Promise<Service> {
  const { name, command, environment, readyUrl, onLine = () => {} } = options;
  const { directory = PROJECT_DIRECTORY } = options;
  const logs = mkdtempSync(join(tmpdir(), "marketplace-bench-logs-"));
  opened.push("the logs", () => rmSync(logs, { recursive: true, force: true }));
  const service = new ServiceProcess({
    ...{ name, command, readyUrl, onLine, directory, onSpawn() {} },
    environment: { PATH: SYSTEM_PATH, LOG_FORMAT: "json", ...environment },
    logPath: join(logs, "log"),
    onEnd: (ending) => process.stderr.write(`${name} ended: ${ending}\n`),
  });
  await service.start();
  opened.push(name, () => service.stop());
  return {
    name,
    pid: () => service.identity?.pid ?? 0,
    pause: () => service.pause(),
    resume: () => service.resume(),
    stop: () => service.stop(),
    kill: () => service.kill(),
  };
}
