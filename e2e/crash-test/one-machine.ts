import { join } from "node:path";
import { freePorts } from "../../stack/ports.ts";
import type { Part } from "../../stack/start.ts";
import { Launcher } from "./launcher.ts";
import type { CrashTestSystem } from "./system.ts";

export interface OneMachineOptions {
  readonly dataDirectory: string;
  readonly paymentTimeoutMs: number;
  /** Called with parts that end without being stopped. */
  readonly onEnd: (ended: string) => void;
}

/** The system of `npm start`; a killed launcher ends the whole stack. */
export async function createOneMachine(options: OneMachineOptions): Promise<CrashTestSystem> {
  const listeners = [
    ...["CART_HTTP", "LOMS_HTTP", "LOMS_GRPC", "LOMS_ADMIN"],
    ...["NOTIFIER_HTTP", "PRODUCTS_HTTP"],
  ];
  const ports = await freePorts(listeners.length);
  // The services keep their addresses, so that buyers reconnect.
  const launcher = new Launcher({
    ...options,
    environment: {
      ...Object.fromEntries(listeners.map((name, index) => [name, `127.0.0.1:${ports[index]}`])),
      ORDER_PAYMENT_TIMEOUT: `${options.paymentTimeoutMs}ms`,
    },
  });
  return {
    victims: ["cart", "loms", "notifier", "primary", "standby1", "products", "launcher"],
    get addresses() {
      const { cart, loms = "", lomsGrpc, lomsAdmin = "", products } = launcher.facts.urls;
      return { cart, loms, lomsGrpc, lomsAdmin, products };
    },
    start: () => launcher.start(),
    kill: (victim) =>
      victim === "launcher" ? launcher.killLauncher() : launcher.kill(victim as Part),
    restart: (victim) =>
      victim === "launcher" ? launcher.start() : launcher.restart(victim as Part),
    // Carts are in memory.
    takesCarts: (victim) => victim === "cart" || victim === "launcher" ? "at its end" : undefined,
    takesLimit: (victim) => victim === "cart",
    subject() {
      const { databases, logDirectory, urls } = launcher.facts;
      return Promise.resolve({
        primaryUrl: databases.loms,
        replicaUrls: databases.lomsReplicas,
        notifierLogs: [join(logDirectory, "notifier.log")],
        productsUrl: urls.products,
      });
    },
    close: () => launcher.close(),
  };
}
