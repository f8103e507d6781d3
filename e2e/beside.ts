import type { ServicePart } from "../stack/plan.ts";
import { freePorts } from "../stack/ports.ts";
import { type Alone, startAlone } from "./alone.ts";
import type { SharedShop } from "./own-stack.ts";

type Settings = Readonly<Record<string, string>>;

/** A service that runs beside those of a shop, on the same databases. */
export interface Beside {
  readonly url: string;
  /** host:port of loms' gRPC server; the other services use another one. */
  readonly grpc: string;
  readonly process: Alone;
  /** Sends SIGTERM and waits until it has ended. */
  close(): Promise<void>;
}

/** The settings of such a service, and its addresses. */
export async function settingsBeside(
  part: ServicePart,
  { databases, urls }: Pick<SharedShop, "databases" | "urls">,
): Promise<{ readonly settings: Settings; readonly url: string; readonly grpc: string }> {
  const [http, grpc, admin, profile] = (await freePorts(4)).map((port) => `127.0.0.1:${port}`);
  const listeners: Record<ServicePart, Settings> = {
    cart: { CART_HTTP: `${http}`, CART_PROFILE: `${profile}` },
    loms: {
      LOMS_HTTP: `${http}`,
      LOMS_GRPC: `${grpc}`,
      LOMS_ADMIN: `${admin}`,
      LOMS_PROFILE: `${profile}`,
    },
    notifier: { NOTIFIER_HTTP: `${http}`, NOTIFIER_PROFILE: `${profile}` },
    products: { PRODUCTS_HTTP: `${http}` },
  };
  const settings = {
    DATABASE_URL: databases.loms,
    DATABASE_REPLICA_URLS: databases.lomsReplicas.join(","),
    BUS_DATABASE_URL: databases.bus,
    NOTIFIER_DATABASE_URL: databases.notifier,
    PRODUCT_URL: urls.products,
    LOMS_GRPC_URL: urls.lomsGrpc,
    ...listeners[part],
  };
  return { settings, url: `http://${http}`, grpc: `${grpc}` };
}

/** Starts it and waits until it is ready. */
export async function startBeside(
  part: ServicePart,
  shop: Pick<SharedShop, "databases" | "urls">,
  changed: Settings = {},
): Promise<Beside> {
  const { settings, url, grpc } = await settingsBeside(part, shop);
  const process = await startAlone(part, { ...settings, ...changed }, url);
  return {
    ...{ url, grpc, process },
    async close() {
      process.signal("SIGTERM");
      await process.ended;
    },
  };
}
