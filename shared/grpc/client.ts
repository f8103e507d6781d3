import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import {
  type CalledServer,
  SERVER_LABELS,
  serverAttributes,
  serverLabels,
} from "../telemetry/called-server.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  observed,
  rpcAttributes,
  rpcStatusCode,
  type Tracing,
} from "../telemetry/tracing.ts";
import type { ErrorDetail } from "./error-details.ts";
import { prepareGrpcJs } from "./prepare-grpc-js.ts";
import { fromGrpcStatus } from "./status.ts";
import {
  decodeMessage,
  encodeMessage,
  type MethodKey,
  methodName,
  methodPath,
  type RequestOf,
  type ResponseOf,
  type ServiceDefinition,
} from "./unary.ts";

/** A client reconnects within a second after a server has restarted. */
const RECONNECT_INITIAL_MS = 100;
const RECONNECT_MAX_MS = 1_000;
/** A restarted server may have another address; by default, grpc-js resolves again after 30 s. */
const RESOLVE_MIN_INTERVAL_MS = 1_000;
/** A connection that is dead without a reset is detected after the sum of these. */
const KEEPALIVE_TIME_MS = 10_000;
const KEEPALIVE_TIMEOUT_MS = 3_000;
/** The largest response, an order of a thousand lines, has 16 KiB. */
const RECEIVE_MAX_BYTES = 1024 * 1024;

const CHANNEL_OPTIONS = {
  "grpc.initial_reconnect_backoff_ms": RECONNECT_INITIAL_MS,
  "grpc.max_reconnect_backoff_ms": RECONNECT_MAX_MS,
  "grpc.dns_min_time_between_resolutions_ms": RESOLVE_MIN_INTERVAL_MS,
  "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
  "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
  "grpc.max_receive_message_length": RECEIVE_MAX_BYTES,
  // Without a service config, grpc-js retries only what certainly did not reach the server.
  "grpc.service_config_disable_resolution": 1,
  // Our services are never behind a proxy that the environment names.
  "grpc.enable_http_proxy": 0,
  // A separate connection, which close() closes.
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
   * Calls a method with the deadline, cancellation and trace of the context. It fails at once while
   * no server listens at the address.
   * @throws {AppError} with the server's code and details, or `unavailable` or `deadline_exceeded`
   */
  call<Key extends MethodKey<Definition>>(
    method: Key,
    request: RequestOf<Definition, Key>,
    context: RequestContext,
    metadata?: Readonly<Record<string, string>>,
  ): Promise<ResponseOf<Definition, Key>>;
  close(): void;
}

/** A client of one service. It connects with the first call. */
export function createGrpcClient<Definition extends ServiceDefinition>(
  options: GrpcClientOptions<Definition>,
): GrpcClient<Definition> {
  prepareGrpcJs();
  const { definition, errorDetails } = options;
  const client = new Client(options.address, credentials.createInsecure(), CHANNEL_OPTIONS);
  const methods = new Map(
    Object.entries(definition.methods).map(([key, method]) => [key, {
      path: methodPath(definition, method),
      label: methodName(definition, key),
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

/** When the signal aborts, rejects with its reason at once and cancels the call. */
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

export const RPC_CLIENT_CALL_DURATION_SECONDS = histogramFamily({
  name: "rpc_client_call_duration_seconds",
  help: "gRPC calls to another service",
  labels: ["rpc_system_name", "rpc_method", "rpc_status_code", "error_type", ...SERVER_LABELS],
  buckets: DURATION_BUCKETS,
});

export interface ObservedClientOptions<Definition extends ServiceDefinition> {
  readonly definition: Definition;
  readonly server: CalledServer;
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}

/** Measures each call of `client` and records a span of it, the parent of the server's span. */
export function observedClient<Definition extends ServiceDefinition>(
  client: GrpcClient<Definition>,
  { definition, server, metrics, tracing }: ObservedClientOptions<Definition>,
): GrpcClient<Definition> {
  const durations = metrics.histogram(RPC_CLIENT_CALL_DURATION_SECONDS);
  const labels = { rpc_system_name: "grpc", ...serverLabels(server) };
  const attributes = serverAttributes(server);
  return {
    call(method, request, context, metadata) {
      const { traceparent: parent, alsoServes: links, clock } = context;
      const name = methodName(definition, method);
      const isSampled = tracing.isSampled(parent);
      const traceparent = isSampled ? childTraceparent(parent) : parent;
      const call = () => client.call(method, request, context, { ...metadata, traceparent });
      return observed(call, {
        clock,
        measure(code, seconds) {
          const rpc_status_code = rpcStatusCode(code);
          const error_type = code && rpc_status_code;
          const ending = { rpc_status_code, ...(error_type && { error_type }) };
          durations.observe({ ...labels, rpc_method: name, ...ending }, seconds);
        },
        span: isSampled
          ? {
            ...{ tracing, traceparent, parent, links, name, kind: "client" },
            describe: (code) => ({
              attributes: { ...rpcAttributes(name, code), ...attributes },
              error: code && rpcStatusCode(code),
            }),
          }
          : undefined,
      });
    },
    close: () => client.close(),
  };
}
