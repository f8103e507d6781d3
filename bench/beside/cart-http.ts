// cart's list, and its add and list in turn, beside the same two routes on a bare Hono app of the
// same runtime and in Go. An add of cart calls loms for the stock, which the others do not. Each
// pair of processes runs in alternating rounds.
// Usage: node bench/beside/cart-http.ts [--runtime node|deno] [--rounds N] [--callers N]
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { CloseStack } from "../../shared/lifecycle.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { DEFAULT_RUNTIME } from "../../stack/services.ts";
import { startMeasured } from "../measured-process.ts";
import { benchCart, send } from "../observability/cart.ts";
import { compareRounds } from "./compare-rounds.ts";

const GOALS = { node: 0.55, deno: 0.8 } as const;
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: DEFAULT_RUNTIME },
    rounds: { type: "string", default: "9" },
    callers: { type: "string", default: "32" },
  },
});
const runtime = values.runtime as Runtime;
const opened = new CloseStack();
try {
  const bench = await benchCart(opened);
  const agent = new Agent({ keepAlive: true });
  opened.push("the connections", () => Promise.resolve(agent.destroy()));
  const start = async (
    name: string,
    command: readonly string[],
    url: string,
    environment: Readonly<Record<string, string>> = {},
  ) => {
    const readyUrl = `${url}/readyz`;
    const process = await startMeasured({ name, command, environment, readyUrl }, opened);
    const list = () => send(agent, "GET", `${url}/user/1/cart/list`);
    return {
      list: { process, load: { doOne: list } },
      both: { process, load: bench.open({ url }) },
    };
  };
  const startAtPort = async (name: string, command: readonly string[]) => {
    const [port] = await freePorts(1);
    return await start(name, [...command, String(port)], `http://127.0.0.1:${port}`);
  };
  const { url, environment } = await bench.settings();
  const cart = await start(
    `cart on ${runtime}`,
    commandFor(runtime, "cart/main.ts", ["-A"]),
    url,
    environment,
  );
  const bare = await startAtPort("bare Hono", commandFor(runtime, here("bare-cart.ts"), ["-A"]));
  const program = buildGo();
  const go = program ? await startAtPort("Go net/http", [program]) : undefined;
  const sizes = { rounds: Number(values.rounds), callers: Number(values.callers) };
  for (const reference of [bare, ...(go ? [go] : [])]) {
    await compareRounds(reference.both, cart.both, { title: "Add and list in turn", ...sizes });
    const title = reference === bare ? `List, goal ${GOALS[runtime]}` : "List";
    await compareRounds(reference.list, cart.list, { title, ...sizes });
  }
} finally {
  await opened.close();
}

/** The Go program; undefined, with the reason printed, where there is no Go. */
function buildGo(): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-bench-go-"));
  opened.push("the Go program", () => Promise.resolve(rmSync(directory, { recursive: true })));
  const program = join(directory, "cart");
  try {
    execFileSync("go", ["build", "-o", program, here("go/main.go")], { stdio: "inherit" });
    return program;
  } catch (error) {
    console.log(`No reference in Go: ${(error as Error).message}`);
    return undefined;
  }
}
