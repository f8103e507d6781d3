import { spawn } from "node:child_process";
import process from "node:process";
import { PROJECT_DIRECTORY } from "../services.ts";

/** A running program of the project, with its output so far. */
export interface RunningProgram {
  readonly pid: number;
  readonly said: { readonly out: string; readonly err: string };
  signal(signal: NodeJS.Signals): void;
  /** Closes the reading ends of stdout and stderr. */
  closeReader(): void;
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>;
}

/** Starts `command` in the project, with these variables added to the environment of the tests. */
export function runProgram(
  command: readonly string[],
  settings: Readonly<Record<string, string>>,
): RunningProgram {
  const [program = "", ...args] = command;
  const child = spawn(program, args, {
    cwd: PROJECT_DIRECTORY,
    env: { ...process.env, LOG_FORMAT: "", ...settings },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const said = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => said.out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.err += text);
  const pid = child.pid as number;
  return {
    pid,
    said,
    // Deno reports a process that was signalled through its handle as ended by that signal.
    signal: (signal) => void process.kill(pid, signal),
    closeReader() {
      for (const output of [child.stdout, child.stderr]) output.destroy();
    },
    ended: new Promise((resolve) => child.once("close", resolve)),
  };
}
