import type { Server, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

type Watcher = ServerWritableStream<unknown, unknown>;

/**
 * The grpc.health.v1 service: the status of services, which share one, and of each of their
 * dependencies, by its name.
 */
export class GrpcHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  readonly #watchers = new Set<Watcher>();
  /** The last status, by name. */
  readonly #statuses = new Map<string, boolean>();

  /** @param services full names; "" is the server as a whole */
  constructor(services: readonly string[], parts: readonly string[] = []) {
    this.#services = services;
    this.#implementation = new HealthImplementation(
      Object.fromEntries([...services, ...parts].map((name) => [name, "NOT_SERVING"])),
    );
  }

  addTo(server: Server): void {
    this.#implementation.addToServer({
      addService: (service, methods) => server.addService(service, this.#keepingWatchers(methods)),
    });
  }

  /** Notifies the watchers of a change. */
  set(serving: boolean): void {
    for (const service of this.#services) this.setPart(service, serving);
  }

  /** As {@link set}, for one dependency. */
  setPart(name: string, serving: boolean): void {
    if (serving === (this.#statuses.get(name) ?? false)) return;
    this.#statuses.set(name, serving);
    this.#implementation.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
  }

  /** Reports NOT_SERVING to the watchers and ends their streams. */
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
