import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { hostname } from "node:os";
import process from "node:process";

/**
 * A service that tries the accesses in its argument, as JSON: `{"read": [path…], …}`. Prints
 * `{"read <path>": "allowed" | "denied" | <the message of another error>, …}`.
 */
const TRIES: Readonly<Record<string, (value: string) => unknown>> = {
  read: (path) => readFileSync(path),
  write: (path) => writeFileSync(path, "written"),
  run: (command) => once(spawn(command), "exit"),
  async connect(address) {
    const [host, port] = address.split(":");
    const socket = connect(Number(port), host as string);
    await once(socket, "connect").finally(() => socket.destroy());
  },
  import: (url) => import(url),
  env(name) {
    if (process.env[name] === undefined) throw denied("is not set");
  },
  sys: () => hostname(),
  ffi: (library) => (globalThis as unknown as { Deno: Deno }).Deno.dlopen(library, {}),
};

interface Deno {
  dlopen(library: string, symbols: object): unknown;
}

function denied(message: string): Error {
  return Object.assign(new Error(message), { name: "NotCapable" });
}

async function outcomeOf(attempt: () => unknown): Promise<string> {
  try {
    await attempt();
    return "allowed";
  } catch (error) {
    const { name, message } = error as Error;
    return name === "NotCapable" ? "denied" : message;
  }
}

const outcomes: Record<string, string> = {};
const tries = JSON.parse(process.argv[2] ?? "{}") as Record<string, string[]>;
for (const [kind, values] of Object.entries(tries)) {
  for (const value of values) {
    outcomes[`${kind} ${value}`] = await outcomeOf(() => TRIES[kind]?.(value));
  }
}
process.stdout.write(JSON.stringify(outcomes));
