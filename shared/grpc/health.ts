import type { Server, ServerWritableStream, UntypedServiceImplementation } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";

type Watcher = ServerWritableStream<unknown, unknown>;

/**
 * What grpc.health.v1 answers: for some services, which serve or do not serve together, and for the
 * parts that they need, under the parts' own names.
 */
export class GrpcHealth {
  readonly #services: readonly string[];
  readonly #implementation: HealthImplementation;
  readonly #watchers = new Set<Watcher>();
  /** What was told last, by name. */
  readonly #told = new Map<string, boolean>();

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

  /** Tells those who watch, if it is a change. */
  set(serving: boolean): void {
    for (const service of this.#services) this.setPart(service, serving);
  }

  /** As {@link set}, of one part. */
  setPart(name: string, serving: boolean): void {
    if (serving === (this.#told.get(name) ?? false)) return;
    this.#told.set(name, serving);
    this.#implementation.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
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
