import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import type { Topic } from "../bus.ts";
import type { StuckMember } from "../bus-contract.ts";

const PROGRAM = fileURLToPath(new URL("stuck-member.ts", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];

/** A member on the bus at `address`, in a separate process. */
export function startStuckMember(address: string, topic: Topic, group: string): StuckMember {
  const args = [...RUN, PROGRAM, address, JSON.stringify(topic), group];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const exited = once(child, "exit");
  return {
    hasOne: once(child.stdout, "data").then(() => {}),
    async kill() {
      child.kill("SIGKILL");
      await exited;
    },
  };
}
