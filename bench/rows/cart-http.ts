import { fileURLToPath } from "node:url";
import process from "node:process";
import { freePorts } from "../../stack/ports.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { buildGo, httpRequest } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import { benchCart } from "../observability/cart.ts";
import { alternate, loadedWay, perSecond, type Way } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { startService } from "../subjects/service.ts";

const RUNTIMES = ["node", "deno"] as const;
const LOADS = ["add", "list"] as const;
const HONO_GOAL = 0.65;
const GO_GOALS = { node: 0.55, deno: 0.8 } as const;
const CALLERS = 32;
const SECONDS = 1;
const USERS = 1_000;
const SKUS = [1_076_963, 1_148_162, 1_625_903, 2_618_151, 2_956_315];
const BARE_CART = fileURLToPath(new URL("../references/bare-cart.ts", import.meta.url));

type Action = (typeof LOADS)[number];

interface Case {
  readonly runtime: Runtime;
  readonly load: Action;
  readonly hono: Goal;
  readonly go: Goal;
}

const CASES = RUNTIMES.flatMap((runtime) =>
  LOADS.map((load): Case => {
    const common = { bench: "B5", what: `cart's ${load} on ${runtime}`, unit: "x" } as const;
    return {
      ...{ runtime, load },
      hono: { ...common, reference: `bare Hono on ${runtime}`, atLeast: HONO_GOAL },
      go: { ...common, reference: "Go net/http", atLeast: GO_GOALS[runtime] },
    };
  })
);

export const CART_HTTP: Bench = {
  name: "B5",
  title: "cart over HTTP, with its whole chain",
  goals: CASES.flatMap(({ hono, go }) => [hono, go]),
  run,
};

async function run(lab: Lab): Promise<void> {
  const { opened } = lab;
  const bench = await benchCart(opened);
  // The products and the stock of the cart are in this process.
  const standIns = { name: "stand-ins", pid: () => process.pid, isAlone: true };
  const start = async (
    name: string,
    command: readonly string[],
    { url, environment = {} }: { url: string; environment?: Readonly<Record<string, string>> },
  ) => {
    const readyUrl = `${url}/readyz`;
    const service = await startService({ name, command, environment, readyUrl }, opened);
    service.pause();
    const parts = name.startsWith("cart") ? [service, standIns] : [service];
    const address = url.slice("http://".length);
    return (load: Action): Way =>
      loadedWay(
        `${name}, ${load}`,
        {
          ...{ protocol: "http", addresses: [address], requests: requestsOf(load) },
          ...{ callers: CALLERS, seconds: SECONDS },
        },
        parts,
        [service],
      );
  };
  const startAtPort = async (name: string, command: readonly string[]) => {
    const [port] = await freePorts(1);
    return await start(name, [...command, String(port)], { url: `http://127.0.0.1:${port}` });
  };
  const program = await buildGo("cart", new URL("../references/cart.go", import.meta.url))
    .catch(() => undefined);
  const go = program === undefined ? undefined : await startAtPort("Go net/http", [program]);
  for (const runtime of RUNTIMES) {
    const cart = await start(
      `cart on ${runtime}`,
      commandFor(runtime, "cart/main.ts", ["-A"]),
      await bench.settings(),
    );
    const hono = await startAtPort(
      `bare Hono on ${runtime}`,
      commandFor(runtime, BARE_CART, ["-A"]),
    );
    for (const each of CASES.filter((one) => one.runtime === runtime)) {
      const ways = [cart, hono, ...(go ? [go] : [])].map((way) => way(each.load));
      const [ours = [], bare = [], ofGo] = (await alternate(lab, ways)).map(perSecond);
      lab.record(each.hono, ratios(ours, bare));
      if (ofGo) lab.record(each.go, ratios(ours, ofGo));
      else lab.lacks(each.go, "this machine has no Go");
    }
  }
}

function requestsOf(load: Action): Request[] {
  return Array.from({ length: USERS * SKUS.length }, (_, index) => {
    const cart = `/user/${1 + index % USERS}/cart`;
    const sku = SKUS[Math.floor(index / USERS)];
    return load === "list"
      ? httpRequest("GET", `${cart}/list`)
      : httpRequest("POST", `${cart}/${sku}`, { count: 1 });
  });
}
