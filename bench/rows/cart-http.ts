import { fileURLToPath } from "node:url";
import process from "node:process";
import type { CloseStack } from "../../shared/lifecycle.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import type { Part } from "../cpu-time.ts";
import type { Bench, Goal, Lab } from "../lab.ts";
import { buildGo } from "../load/load.ts";
import { alternate, loadedVariant, perSecond, type Variant } from "../rounds.ts";
import { ratios } from "../statistics.ts";
import { cartRequests, openCartStandIns } from "../subjects/cart.ts";
import { type Service, startService } from "../subjects/service.ts";

const RUNTIMES = ["node", "deno"] as const;
const LOADS = ["add", "list"] as const;
const HONO_GOAL = 0.65;
const GO_GOALS = { node: 0.55, deno: 0.8 } as const;
const CALLERS = 32;
const SECONDS = 1;
/** The engine takes longer to compile cart than a bare route. */
const CART_WARM_UP_SECONDS = 3;
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

/** One variant for each action. */
type Variants = (load: Action) => Variant;

async function run(lab: Lab): Promise<void> {
  const { opened } = lab;
  const cartStandIns = await openCartStandIns(opened);
  const standIns = { name: "stand-ins", pid: () => process.pid, isAlone: true };
  const program = await buildGo("cart", new URL("../references/cart.go", import.meta.url))
    .catch(() => undefined);
  const go = program === undefined ? undefined : await startBare("Go net/http", [program], opened);
  for (const runtime of RUNTIMES) {
    const command = commandFor(runtime, "cart/main.ts", ["-A"]);
    const service = await cartStandIns.start({ name: `cart on ${runtime}`, command });
    const toCart = waysTo(service, service.http, [service, standIns]);
    const cart: Variants = (load) => {
      const variant = toCart(load);
      return { ...variant, warmUp: () => variant.measure({ seconds: CART_WARM_UP_SECONDS }) };
    };
    const bare = commandFor(runtime, BARE_CART, ["-A"]);
    const hono = await startBare(`bare Hono on ${runtime}`, bare, opened);
    for (const each of CASES.filter((one) => one.runtime === runtime)) {
      // A steady load opens a connection for each call in flight, more than Deno.serve supports.
      const references = [hono, ...(go ? [go] : [])].map((variant) => (
        { ...variant(each.load), isOpenToo: false }
      ));
      const variants = [cart(each.load), ...references];
      const [ours = [], ofHono = [], ofGo] = (await alternate(lab, variants)).map(perSecond);
      lab.record(each.hono, ratios(ours, ofHono));
      if (ofGo) lab.record(each.go, ratios(ours, ofGo));
      else lab.lacks(each.go, "Go is not installed");
    }
  }
}

async function startBare(
  name: string,
  command: readonly string[],
  opened: CloseStack,
): Promise<Variants> {
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const readyUrl = `http://${address}/readyz`;
  const service = await startService(
    { name, command: [...command, String(port)], environment: {}, readyUrl },
    opened,
  );
  return waysTo(service, address, [service]);
}

function waysTo(service: Service, address: string, parts: readonly Part[]): Variants {
  service.pause();
  return (load) =>
    loadedVariant(
      `${service.name}, ${load}`,
      {
        ...{ protocol: "http", addresses: [address], requests: cartRequests(load) },
        ...{ callers: CALLERS, seconds: SECONDS },
      },
      parts,
      [service],
    );
}
