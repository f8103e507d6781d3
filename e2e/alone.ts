import { PROJECT_DIRECTORY, serviceCommand } from "../stack/services.ts";
import { type Child, type Ending, spawnChild, SYSTEM_PATH } from "../stack/processes/child.ts";
import { sendSignal } from "../stack/processes/identity.ts";
import type { ServicePart } from "../stack/plan.ts";
import type { Runtime } from "../stack/processes/runtimes.ts";
import { freePorts } from "../stack/ports.ts";
import { eventually } from "./eventually.ts";
import type { SharedShop } from "./own-stack.ts";
import { suiteRuntime } from "./runtime.ts";

/** A service outside a stack, started with only its environment. */
export interface Alone {
  /** Its output so far. */
  output(): string;
  /** Passes its output so far, and later output of stdout. */
  follow(take: (chunk: string) => void): void;
  signal(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ending>;
}

type Settings = Readonly<Record<string, string>>;

/** Starts it from the sources in `directory`, without waiting. */
export async function spawnAlone(
  part: ServicePart,
  settings: Settings,
  runtime: Runtime | undefined = suiteRuntime(),
  directory = PROJECT_DIRECTORY,
): Promise<Alone> {
  const environment = { PATH: SYSTEM_PATH, LOG_FORMAT: "json", ...settings };
  const [command = "", ...args] = await serviceCommand(part, runtime, environment);
  const child: Child = await spawnChild({
    command,
    args,
    directory,
    environment,
    deathSignal: "SIGKILL",
  });
  let written = "";
  for (const stream of [child.process.stdout, child.process.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => written += text);
  }
  const closed = new Promise<void>((resolve) => child.process.once("close", () => resolve()));
  return {
    output: () => written,
    follow(take) {
      take(written);
      child.process.stdout?.on("data", take);
    },
    // Deno counts a process that was signalled through its handle as ended by that signal.
    signal: (signal) => void sendSignal(child.pid, signal),
    // Pipes may contain output after the exit.
    ended: child.ended.then(async (ending) => {
      await closed;
      return ending;
    }),
  };
}

/** Starts it and waits until it is ready at `url`. */
export async function startAlone(
  part: ServicePart,
  settings: Settings,
  url: string,
  runtime?: Runtime,
  directory?: string,
): Promise<Alone> {
  const alone = await spawnAlone(part, settings, runtime, directory);
  await eventually(async () => {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.status !== 200) throw new Error(`${part} is not ready: ${alone.output()}`);
  });
  return alone;
}

/** A new cart on the shop's loms and products, with `settings`. */
export async function startOwnCart(
  { urls }: Pick<SharedShop, "urls">,
  settings: Settings = {},
  runtime?: Runtime,
): Promise<{ readonly url: string; close(): Promise<Ending>; readonly process: Alone }> {
  const [port, profilePort] = await freePorts(2);
  const url = `http://127.0.0.1:${port}`;
  const process = await startAlone(
    "cart",
    {
      CART_HTTP: `127.0.0.1:${port}`,
      CART_PROFILE: `127.0.0.1:${profilePort}`,
      PRODUCT_URL: urls.products,
      LOMS_GRPC_URL: urls.lomsGrpc,
      ...settings,
    },
    url,
    runtime,
  );
  return {
    url,
    process,
    close() {
      process.signal("SIGTERM");
      return process.ended;
    },
  };
}
