import { createRequire } from "node:module";
import type { Server } from "@grpc/grpc-js";
import type { HealthImplementation } from "grpc-health-check";
import { addDeferred } from "./deferred-service.ts";

const METHODS = [["Check", false], ["List", false], ["Watch", true]] as const;

/**
 * The grpc.health.v1 service: one status for the given services, and one for each of their
 * dependencies, by name. The package is loaded with the first call.
 */
export class GrpcHealth {
  readonly #services: readonly string[];
  #implementation: HealthImplementation | undefined;
  #endWatches = () => {};
  /** The last status, by name. */
  readonly #statuses: Map<string, boolean>;

  /** @param services full names; "" is the server as a whole */
  constructor(services: readonly string[], parts: readonly string[] = []) {
    this.#services = services;
    this.#statuses = new Map([...services, ...parts].map((name) => [name, false]));
  }

  addTo(server: Server): void {
    const require = createRequire(import.meta.url);
    const methods = METHODS.map(([name, responseStream]) => ({
      path: `/grpc.health.v1.Health/${name}`,
      requestStream: false,
      responseStream,
    }));
    this.#endWatches = addDeferred(server, methods, (target) => {
      const { HealthImplementation } = require(
        "grpc-health-check",
      ) as typeof import("grpc-health-check");
      const statuses = [...this.#statuses].map(([name, serving]) => [name, statusOf(serving)]);
      this.#implementation = new HealthImplementation(Object.fromEntries(statuses));
      this.#implementation.addToServer(target);
    });
  }

  /** Notifies the watchers of a change. */
  set(serving: boolean): void {
    for (const service of this.#services) this.setPart(service, serving);
  }

  /** Like {@link set}, for one dependency. */
  setPart(name: string, serving: boolean): void {
    if (serving === (this.#statuses.get(name) ?? false)) return;
    this.#statuses.set(name, serving);
    this.#implementation?.setStatus(name, statusOf(serving));
  }

  /** Reports NOT_SERVING to the watchers and ends their streams. */
  close(): void {
    this.set(false);
    this.#endWatches();
  }
}

function statusOf(serving: boolean): "SERVING" | "NOT_SERVING" {
  return serving ? "SERVING" : "NOT_SERVING";
}
