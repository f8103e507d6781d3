import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { ServicePart } from "../../stack/plan.ts";
import { type Alone, startAlone } from "../alone.ts";
import { settingsBeside } from "../beside.ts";
import type { SharedShop } from "../own-stack.ts";
import { type ServiceProxy, startServiceProxy, untilProxied } from "./service-proxy.ts";

const CLOSE_MAX_MS = 60_000;
/** How much output of a process that ended unexpectedly an error contains. */
const LAST_OUTPUT_CHARS = 2_000;

type Settings = Readonly<Record<string, string>>;

/** One process of a service, which keeps its addresses when it is restarted. */
export interface Replaceable {
  /** Such as "loms 1". */
  readonly name: string;
  start(): Promise<void>;
  /** Sends SIGTERM and waits for its end. */
  stop(): Promise<void>;
  /** kill -9. */
  kill(): Promise<void>;
}

export interface PairOptions {
  /** The directory for the output of each process, NAME.log. */
  readonly logDirectory: string;
  /** Called with processes that end without being stopped. */
  readonly onEnd: (ended: string) => void;
}

/** Two processes of each service, behind HAProxy. */
export interface PairOfServices {
  readonly proxy: ServiceProxy;
  readonly processes: readonly Replaceable[];
  close(): Promise<void>;
}

/** Starts them with the databases and products of a shop, and the carts in one store. */
export async function startPairOfServices(
  haproxy: string,
  shop: Pick<SharedShop, "databases" | "urls">,
  settings: Settings,
  options: PairOptions,
): Promise<PairOfServices> {
  const opened = new CloseStack(CLOSE_MAX_MS);
  const two = (part: ServicePart) =>
    Promise.all([settingsBeside(part, shop), settingsBeside(part, shop)]);
  // A cart is ready when its loms is.
  const parts = {
    loms: await two("loms"),
    notifier: await two("notifier"),
    cart: await two("cart"),
  };
  const proxy = await startServiceProxy(haproxy, {
    cart: parts.cart.map(listenersOf),
    loms: parts.loms.map(listenersOf),
  });
  opened.push("HAProxy", () => proxy.close());
  const processes: Replaceable[] = [];
  try {
    for (const [part, places] of Object.entries(parts) as [ServicePart, typeof parts.loms][]) {
      const made = places.map((place, index) =>
        replaceable({
          ...{ ...options, part, name: `${part} ${index + 1}`, url: place.url },
          settings: { ...place.settings, LOMS_GRPC_URL: proxy.lomsGrpc, ...settings },
        })
      );
      opened.push(part, async () => {
        await Promise.all(made.map((process) => process.stop()));
      });
      await Promise.all(made.map((process) => process.start()));
      processes.push(...made);
    }
    await untilProxied(proxy);
    return { proxy, processes, close: () => opened.close() };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

function listenersOf({ url, grpc, settings }: Awaited<ReturnType<typeof settingsBeside>>) {
  return { http: new URL(url).host, grpc, admin: settings["LOMS_ADMIN"] };
}

interface ReplaceableOptions extends PairOptions {
  readonly name: string;
  readonly part: ServicePart;
  readonly url: string;
  readonly settings: Settings;
}

function replaceable(options: ReplaceableOptions): Replaceable {
  const { name, part, url, settings, logDirectory, onEnd } = options;
  let alone: Alone | undefined;
  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = alone;
    alone = undefined;
    ending?.signal(signal);
    const how = await ending?.ended;
    if (!ending || signal === "SIGKILL" || how === "exit code 0") return;
    throw new Error(`${name} has ended with ${how}: ${lastOutput(ending)}`);
  }
  return {
    name,
    async start() {
      const started = await startAlone(part, settings, url);
      alone = started;
      started.follow((chunk) => appendFileSync(join(logDirectory, `${name}.log`), chunk));
      void started.ended.then((how) => {
        if (alone === started) onEnd(`${name}: ${how}: ${lastOutput(started)}`);
      });
    },
    stop: () => end("SIGTERM"),
    kill: () => end("SIGKILL"),
  };
}

function lastOutput(alone: Alone): string {
  return alone.output().slice(-LAST_OUTPUT_CHARS);
}
