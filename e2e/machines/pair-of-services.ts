import { expect } from "vitest";
import { CloseStack } from "../../shared/lifecycle.ts";
import type { ServicePart } from "../../stack/plan.ts";
import { type Alone, startAlone } from "../alone.ts";
import { settingsBeside } from "../beside.ts";
import type { SharedShop } from "../own-stack.ts";
import { type ServiceProxy, startServiceProxy, untilProxied } from "./service-proxy.ts";

const CLOSE_MAX_MS = 60_000;

type Settings = Readonly<Record<string, string>>;

/** One process of a service, on the same addresses however often it is started. */
export interface Replaceable {
  readonly name: string;
  start(): Promise<void>;
  /** SIGTERM, until it has ended in order. */
  stop(): Promise<void>;
}

/** Two processes of each service, behind HAProxy. */
export interface PairOfServices {
  readonly proxy: ServiceProxy;
  readonly processes: readonly Replaceable[];
  close(): Promise<void>;
}

/** Starts them on the databases and products of a shop, with the carts in one store. */
export async function startPairOfServices(
  haproxy: string,
  shop: Pick<SharedShop, "databases" | "urls">,
  settings: Settings,
): Promise<PairOfServices> {
  const opened = new CloseStack(CLOSE_MAX_MS);
  const two = async (part: ServicePart) =>
    await Promise.all([settingsBeside(part, shop), settingsBeside(part, shop)]);
  const parts = {
    loms: await two("loms"),
    notifier: await two("notifier"),
    cart: await two("cart"),
  };
  const listeners = (part: "cart" | "loms") =>
    parts[part].map(({ url, grpc }) => ({ http: new URL(url).host, grpc }));
  const proxy = await startServiceProxy(haproxy, {
    cart: listeners("cart"),
    loms: listeners("loms"),
  });
  opened.push("HAProxy", () => proxy.close());
  const processes: Replaceable[] = [];
  try {
    // A cart is ready once its loms is.
    for (const [part, places] of Object.entries(parts) as [ServicePart, typeof parts.loms][]) {
      const made = places.map((place, index) =>
        replaceable(`${part} ${index + 1}`, part, place.url, {
          ...place.settings,
          LOMS_GRPC_URL: proxy.lomsGrpc,
          ...settings,
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

function replaceable(
  name: string,
  part: ServicePart,
  url: string,
  settings: Settings,
): Replaceable {
  let alone: Alone | undefined;
  return {
    name,
    async start() {
      alone = await startAlone(part, settings, url);
    },
    async stop() {
      alone?.signal("SIGTERM");
      const ending = await alone?.ended;
      if (alone) expect(ending, `${name}: ${alone.output().slice(-2_000)}`).toBe("exit code 0");
      alone = undefined;
    },
  };
}
