import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import {
  decodeMessage,
  encodeMessage,
  type MethodKey,
  methodPath,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "./definition.ts";
import type { ErrorDetail } from "./error-details.ts";
import { quietGrpc } from "./quiet.ts";
import { fromGrpcStatus } from "./status.ts";
import { surviveGoaway } from "./survive-goaway.ts";

/** A server that comes back is found again within a second. */
const RECONNECT_INITIAL_MS = 100;
const RECONNECT_MAX_MS = 1_000;
/** A server behind a name may come back with another address; grpc-js waits 30 s by default. */
const RESOLVE_MIN_INTERVAL_MS = 1_000;
/** A peer that vanished without a word is noticed after these two. */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 3_000;
/** The largest answer, an order of a thousand lines, takes 16 KiB. */
const RECEIVE_MAX_BYTES = 1024 * 1024;

const CHANNEL_OPTIONS = {
  "grpc.initial_reconnect_backoff_ms": RECONNECT_INITIAL_MS,
  "grpc.max_reconnect_backoff_ms": RECONNECT_MAX_MS,
  "grpc.dns_min_time_between_resolutions_ms": RESOLVE_MIN_INTERVAL_MS,
  "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.max_receive_message_length": RECEIVE_MAX_BYTES,
  // Without a service config nothing is sent twice but what certainly never reached the server.
  "grpc.service_config_disable_resolution": 1,
  // A service of the same house is never reached through a proxy of the environment.
  "grpc.enable_http_proxy": 0,
  // A connection of its own, which close() closes.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_channelz": 0,
};

export interface GrpcClientOptions<Definition extends ServiceDefinition> {
  readonly definition: Definition;
  /** `host:port`. */
  readonly address: string;
  readonly errorDetails: readonly ErrorDetail[];
}

export interface GrpcClient<Definition extends ServiceDefinition> {
  /**
   * Calls a method; the context's deadline, cancellation and trace travel with it. While nobody
   * listens at the address it fails at once.
   * @throws {AppError} with the server's code and facts, or `unavailable` or `deadline_exceeded`
   */
  call<Key extends MethodKey<Definition>>(
    method: Key,
    request: RequestOf<Definition, Key>,
    context: RequestContext,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<ResponseOf<Definition, Key>>;
  close(): void;
}

/** A client of one service. It connects when the first call is made. */
export function createGrpcClient<Definition extends ServiceDefinition>(
  options: GrpcClientOptions<Definition>,
): GrpcClient<Definition> {
  quietGrpc();
  surviveGoaway();
  const { definition, errorDetails } = options;
  const client = new Client(options.address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const methods = new Map(
    Object.entries(definition.methods).map(([key, method]) => [key, {
      path: methodPath(definition, method),
      label: `${definition.fullName}/${method.name}`,
      encode: (message: unknown) => encodeMessage(method.requestType, message),
      decode: (bytes: Buffer) => decodeMessage(method.responseType, bytes),
    }]),
  );

  return {
    async call(key, request, context, metadata = {}) {
      const method = methods.get(key);
      if (!method) throw new Error(`${definition.fullName} has no method ${key}`);
      if (context.remainingMs() === 0) throw deadlinePassed(method.label);
      try {
        const send = (callback: UnaryCallback) =>
          client.makeUnaryRequest(
            method.path,
            method.encode,
            method.decode,
            request,
            metadataOf(context, metadata),
            { deadline: Date.now() + context.remainingMs() },
            callback,
          );
        return await cancellable(send, context.signal) as ResponseOf<Definition, typeof key>;
      } catch (error) {
        throw isStatus(error) ? fromGrpcStatus(error, method.label, errorDetails) : error;
      }
    },
    close: () => client.close(),
  };
}

type UnaryCallback = (error: ServiceError | null, response?: unknown) => void;

/** Rejects with the signal's reason as soon as that aborts, and lets go of the call. */
function cancellable(
  send: (callback: UnaryCallback) => { cancel(): void },
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason);
    const call = send((error, response) => {
      signal.removeEventListener("abort", onAbort);
      if (error) reject(error);
      else resolve(response);
    });
    const onAbort = () => {
      reject(signal.reason);
      call.cancel();
    };
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

function metadataOf(context: RequestContext, entries: Readonly<Record<string, string>>): Metadata {
  const metadata = new Metadata();
  metadata.set("traceparent", context.traceparent);
  for (const [key, value] of Object.entries(entries)) metadata.set(key, value);
  return metadata;
}

function isStatus(error: unknown): error is ServiceError {
  return error instanceof Error && "metadata" in error && error.metadata instanceof Metadata;
}

function deadlinePassed(call: string): AppError {
  return new AppError("deadline_exceeded", `${call} failed: deadline exceeded`);
}
