import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Environment } from "../shared/config.ts";
import type { ServicePart } from "./plan.ts";
import { PROJECT_DIRECTORY, serviceCommand } from "./services.ts";

const FIXTURE = fileURLToPath(new URL("deno-permissions-fixture.ts", import.meta.url));

/** Accepts connections; each test chooses which ports the settings name. */
async function listen(): Promise<Server> {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return server;
}

function addressOf(server: Server): string {
  return `127.0.0.1:${(server.address() as { port: number }).port}`;
}

let known: Server;
let unknown: Server;
let directory: string;
beforeAll(async () => {
  [known, unknown] = await Promise.all([listen(), listen()]);
  directory = mkdtempSync(join(tmpdir(), "permissions "));
  writeFileSync(join(directory, "secret"), "");
});
afterAll(() => {
  known.close();
  unknown.close();
  rmSync(directory, { recursive: true });
});

/** Runs the fixture with the command of the service. */
async function tryAs(
  part: ServicePart,
  environment: Environment,
  tries: Readonly<Record<string, readonly string[]>>,
): Promise<Record<string, string>> {
  const command = await serviceCommand(part, "deno", environment);
  const [deno = "", ...args] = [...command.slice(0, -1), FIXTURE, JSON.stringify(tries)];
  const env = { ...environment, SECRET: "of the machine" } as NodeJS.ProcessEnv;
  const { stdout } = await promisify(execFile)(deno, args, { cwd: PROJECT_DIRECTORY, env });
  return JSON.parse(stdout) as Record<string, string>;
}

/** Settings that name each service's dependencies, and a file that it reads while it runs. */
const SERVICES: readonly [ServicePart, (at: string) => Environment, string][] = [
  ["cart", (at) => ({ PRODUCT_URL: `http://${at}` }), "shared/http/swagger-ui-start.js"],
  ["loms", (at) => ({ DATABASE_URL: `postgres://u:p@${at}/d` }), "proto/gen/loms.binpb"],
  [
    "notifier",
    (at) => ({ NOTIFIER_DATABASE_URL: `postgres://u:p@${at}/d` }),
    "drizzle/notifier/migrations/meta/_journal.json",
  ],
  ["products", (at) => ({ PRODUCTS_HTTP: at }), "stack/products/main.ts"],
];

test.each(SERVICES)("%s on Deno may do what its settings need, and nothing else", async (
  part,
  settings,
  needed,
) => {
  const [secret, written] = [join(directory, "secret"), join(directory, part)];
  const remote = `http://${addressOf(known)}/module.ts`;
  const environment = settings(addressOf(known));
  const [setting = ""] = Object.keys(environment);
  const outcomes = await tryAs(part, environment, {
    read: [join(PROJECT_DIRECTORY, needed), join(PROJECT_DIRECTORY, "package.json"), secret],
    write: [written],
    run: ["/bin/true"],
    connect: [addressOf(known), addressOf(unknown)],
    import: [remote],
    env: [setting, "SECRET"],
    sys: ["hostname"],
    ffi: ["libc.so.6"],
  });
  expect(outcomes).toEqual({
    [`read ${join(PROJECT_DIRECTORY, needed)}`]: "allowed",
    [`read ${join(PROJECT_DIRECTORY, "package.json")}`]: "denied",
    [`read ${secret}`]: "denied",
    [`write ${written}`]: "denied",
    "run /bin/true": "denied",
    [`connect ${addressOf(known)}`]: "allowed",
    [`connect ${addressOf(unknown)}`]: "denied",
    [`import ${remote}`]: expect.stringContaining("Requires import access"),
    [`env ${setting}`]: "allowed",
    "env SECRET": "denied",
    "sys hostname": "denied",
    "ffi libc.so.6": "denied",
  });
});
