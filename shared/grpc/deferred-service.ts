import type { Writable } from "node:stream";
import type { Server, ServiceDefinition, UntypedServiceImplementation } from "@grpc/grpc-js";

/** A method whose package is loaded with the first call. */
export interface DeferredMethod {
  /** As in a request: `/package.Service/Method`. */
  readonly path: string;
  readonly requestStream: boolean;
  readonly responseStream: boolean;
}

type AddService = Pick<Server, "addService">["addService"];

interface LoadedMethod {
  readonly definition: ServiceDefinition[string];
  readonly handle: (...call: unknown[]) => unknown;
}

/**
 * Adds methods to a server. The first call of any of them calls `load`, which adds the services
 * that have these methods; it is synchronous, because grpc-js decodes synchronously.
 * @returns ends the open streams; many callers never end theirs
 */
export function addDeferred(
  server: Server,
  methods: readonly DeferredMethod[],
  load: (target: { addService: AddService }) => void,
): () => void {
  const open = new Set<Writable>();
  let loaded: ReadonlyMap<string, LoadedMethod> | undefined;
  const methodAt = (path: string): LoadedMethod => {
    loaded ??= loadMethods(load);
    const method = loaded.get(path);
    if (!method) throw new Error(`no method ${path} was added`);
    return method;
  };
  const service: Record<string, ServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const { path, ...streams } of methods) {
    service[path] = {
      ...{ path, ...streams },
      requestSerialize: (value: unknown) => methodAt(path).definition.requestSerialize(value),
      requestDeserialize: (bytes) => methodAt(path).definition.requestDeserialize(bytes) as unknown,
      responseSerialize: (value: unknown) => methodAt(path).definition.responseSerialize(value),
      responseDeserialize: (bytes) =>
        methodAt(path).definition.responseDeserialize(bytes) as unknown,
    };
    implementation[path] = (call: Writable, ...callback: unknown[]) => {
      if (streams.responseStream) {
        open.add(call);
        // grpc-js emits it at the end of every stream.
        call.once("cancelled", () => open.delete(call));
      }
      return methodAt(path).handle(call, ...callback);
    };
  }
  server.addService(service, implementation);
  return () => {
    for (const call of open) call.end();
  };
}

function loadMethods(
  load: (target: { addService: AddService }) => void,
): ReadonlyMap<string, LoadedMethod> {
  const loaded = new Map<string, LoadedMethod>();
  load({
    addService(service, implementation) {
      for (const [name, definition] of Object.entries(service)) {
        const handle = (implementation[name] ?? implementation[definition.originalName ?? ""]) as
          | LoadedMethod["handle"]
          | undefined;
        if (handle) loaded.set(definition.path, { definition, handle });
      }
    },
  });
  return loaded;
}
