import type { Server } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

/** What grpc.health.v1 answers for some services, which serve or do not serve together. */
export class GrpcHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  #serving = false;

  /** @param services full names; "" is the server as a whole */
  constructor(services: readonly string[]) {
    this.#services = services;
    this.#implementation = new HealthImplementation(
      Object.fromEntries(services.map((service) => [service, "NOT_SERVING"])),
    );
  }

  addTo(server: Server): void {
    this.#implementation.addToServer(server);
  }

  /** Tells those who watch, if it is a change. */
  set(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const service of this.#services) {
      this.#implementation.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
    }
  }
}
