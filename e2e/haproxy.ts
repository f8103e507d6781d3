import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { spawnChild, SYSTEM_PATH } from "../stack/processes/child.ts";
import { sendSignal } from "../stack/processes/identity.ts";
import { newDataDirectory, removeDirectory } from "./own-stack.ts";

export interface Haproxy {
  close(): Promise<void>;
}

/** Starts HAProxy with this configuration; it may not be listening when this resolves. */
export async function startHaproxy(haproxy: string, configuration: string): Promise<Haproxy> {
  const directory = newDataDirectory();
  const file = join(directory, "haproxy.cfg");
  writeFileSync(file, configuration);
  const child = await spawnChild({
    command: haproxy,
    args: ["-db", "-f", file],
    directory,
    environment: { PATH: SYSTEM_PATH },
    deathSignal: "SIGKILL",
  });
  child.process.stdout?.resume();
  child.process.stderr?.resume();
  return {
    async close() {
      sendSignal(child.pid, "SIGKILL");
      await child.ended;
      removeDirectory(directory);
    },
  };
}
