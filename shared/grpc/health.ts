import type { Server, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

type Watcher = ServerWritableStream<unknown, unknown>;

/** What grpc.health.v1 answers for some services, which serve or do not serve together. */
export class GrpcHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  readonly #watchers = new Set<Watcher>();
  #serving = false;

  /** @param services full names; "" is the server as a whole */
  constructor(services: readonly string[]) {
    this.#services = services;
    this.#implementation = new HealthImplementation(
      Object.fromEntries(services.map((service) => [service, "NOT_SERVING"])),
    );
  }

  addTo(server: Server): void {
    this.#implementation.addToServer({
      addService: (service, methods) => server.addService(service, this.#keepingWatchers(methods)),
    });
  }

  /** Tells those who watch, if it is a change. */
  set(serving: boolean): void {
    if (serving === this.#serving) return;
    this.#serving = serving;
    for (const service of this.#services) {
      this.#implementation.setStatus(service, serving ? "SERVING" : "NOT_SERVING");
    }
  }

  /** Tells those who watch that nothing serves any more, and lets go of them. */
  close(): void {
    this.set(false);
    for (const watcher of this.#watchers) watcher.end();
  }

  /** A watcher never ends its stream, and a server that stops waits for every stream. */
  #keepingWatchers(methods: UntypedServiceImplementation): UntypedServiceImplementation {
    const watch = methods["watch"] as (watcher: Watcher) => void;
    return {
      ...methods,
      watch: (watcher: Watcher) => {
        this.#watchers.add(watcher);
        watcher.on("cancelled", () => this.#watchers.delete(watcher));
        watch(watcher);
      },
    };
  }
}
