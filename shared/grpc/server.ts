import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition as GrpcServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Caller, RequestContext } from "../async/request-context.ts";
import { formatHostPort, type HostPort } from "../config.ts";
import { AppError, toAppError } from "../errors.ts";
import { childTraceparent, parseTraceparent, type StartTraceparent } from "../telemetry/tracing.ts";
import {
  decodeMessage,
  encodeMessage,
  methodPath,
  type ServiceDefinition,
  type UnaryMethodDefinition,
} from "./definition.ts";
import type { ErrorDetail } from "./error-details.ts";
import { GrpcHealth } from "./health.ts";
import { prepareGrpcJs, prepareServers } from "./prepare-grpc-js.ts";
import { addReflection } from "./reflection.ts";
import { toGrpcStatus } from "./status.ts";

/** The size of a thousand order lines is 16 KiB. */
const RECEIVE_MAX_BYTES = 1024 * 1024;
/** Concurrent calls per connection; further ones wait in the client. */
const CONCURRENT_STREAMS_MAX = 1_000;
/** Memory per connection, in MB; grpc-js sets no limit. */
const SESSION_MEMORY_MAX_MB = 64;
/** A connection that is dead without a reset is detected after the sum of these. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** How long close() waits for calls in progress; below the grace period of a process. */
const DRAIN_MAX_MS = 6_000;
/** When they fail as `unavailable`: a client may mistake a cut connection for a cancelled call. */
const FAIL_CALLS_MS = DRAIN_MAX_MS - 500;

export interface GrpcServerOptions {
  readonly address: HostPort;
  readonly definition: ServiceDefinition;
  /** One for each method of the definition, under its key. */
  readonly handlers: Readonly<Record<string, UnaryHandler>>;
  /** The FileDescriptorSet that reflection shows. */
  readonly descriptorSet: Uint8Array;
  readonly errorDetails: readonly ErrorDetail[];
  /** Dependencies whose health grpc.health.v1 reports, under these names. */
  readonly parts?: readonly string[];
  /** Starts the span of each call. */
  readonly startTraceparent?: StartTraceparent;
}

export interface GrpcServer {
  /** The given address, with the bound port. */
  readonly address: HostPort;
  /** NOT_SERVING at first. */
  readonly health: GrpcHealth;
  /**
   * Reports NOT_SERVING, accepts no further calls, waits for those in progress and disconnects,
   * within 6 s. Calls that take longer fail as `unavailable`.
   */
  close(): Promise<void>;
}

/** A server of unary methods, with reflection and health; it is listening when this resolves. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  prepareGrpcJs();
  prepareServers();
  const { definition, address } = options;
  const server = new Server({
    "grpc.max_receive_message_length": RECEIVE_MAX_BYTES,
    "grpc.max_concurrent_streams": CONCURRENT_STREAMS_MAX,
    "grpc-node.max_session_memory": SESSION_MEMORY_MAX_MB,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its counters cost time in every call and are not read.
    "grpc.enable_channelz": 0,
  });
  const inProgress = new CallsInProgress();
  addService(server, options, inProgress);
  await addReflection(server, options.descriptorSet);
  const health = new GrpcHealth(["", definition.fullName], options.parts);
  health.addTo(server);
  const bound = { ...address, port: await bind(server, address) };
  const close = async () => {
    health.close();
    const late = setTimeout(() => inProgress.failAll(), FAIL_CALLS_MS);
    await shutDown(server, formatHostPort(bound));
    clearTimeout(late);
  };
  return { address: bound, health, close };
}

function addService(
  server: Server,
  options: GrpcServerOptions,
  inProgress: CallsInProgress,
): void {
  const { definition, handlers, errorDetails, startTraceparent = childTraceparent } = options;
  const service: Record<string, GrpcServiceDefinition[string]> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(definition.methods)) {
    const handler = handlers[key];
    if (!handler) throw new Error(`no handler for ${definition.fullName}/${key}`);
    service[key] = {
      path: methodPath(definition, method),
      requestStream: false,
      responseStream: false,
      // Messages are decoded beside the handler: grpc-js would answer `internal` to a request
      // that cannot be decoded.
      requestDeserialize: identity,
      requestSerialize: identity,
      responseDeserialize: identity,
      responseSerialize: identity,
    };
    const calls = { errorDetails, startTraceparent, inProgress };
    implementation[key] = answerUnary({ method, handler, ...calls });
  }
  server.addService(service, implementation);
}

function identity(bytes: Buffer): Buffer {
  return bytes;
}

function bind(server: Server, address: HostPort): Promise<number> {
  const at = formatHostPort(address);
  return new Promise((resolve, reject) => {
    server.bindAsync(at, ServerCredentials.createInsecure(), (cause, port) => {
      if (cause) reject(new Error(`Cannot listen on ${at} for gRPC`, { cause }));
      else resolve(port);
    });
  });
}

/**
 * `drain` sends GOAWAY, and later cuts remaining connections. It must come before `tryShutdown`,
 * which forgets the connections. `forceShutdown` cuts none while channelz is off.
 */
function shutDown(server: Server, address: string): Promise<void> {
  server.drain(address, DRAIN_MAX_MS);
  return new Promise((resolve) => server.tryShutdown(() => resolve()));
}

/** The timeout of a call without a deadline. */
const CALL_TIMEOUT_MS = 5_000;
/** Longer deadlines are shortened, because a waiting call holds resources. */
const CALL_TIMEOUT_MAX_MS = 60_000;
/** A client starts its timeout before it sends the request. */
const CALLER_AHEAD_MS = 20;

/** A call as a handler receives it. */
export interface IncomingCall {
  /** Has the caller's deadline and cancellation; its span is a child of the caller's. */
  readonly context: RequestContext;
  /** Every value that the caller sent under `key`. */
  metadata(key: string): readonly string[];
  /**
   * The request message.
   * @throws {AppError} `invalid_argument` when the bytes are not such a message
   */
  read(): unknown;
}

/** Resolves with the response message. */
export type UnaryHandler = (call: IncomingCall) => Promise<unknown>;

type GrpcCall = ServerUnaryCall<Buffer, Buffer>;

interface UnaryOptions {
  readonly method: UnaryMethodDefinition;
  readonly handler: UnaryHandler;
  readonly errorDetails: readonly ErrorDetail[];
  readonly startTraceparent: StartTraceparent;
  readonly inProgress: CallsInProgress;
}

/**
 * The calls in progress. Not a Set: one in which calls come and go keeps those that have
 * gone from every collection of young objects, because V8 links each of its tables to the next one.
 */
class CallsInProgress {
  readonly #calls: UnaryCall[] = [];

  add(call: UnaryCall): void {
    call.place = this.#calls.length;
    this.#calls.push(call);
  }

  /** Whether the call was still in progress. */
  remove(call: UnaryCall): boolean {
    if (this.#calls[call.place] !== call) return false;
    // The last call takes its place.
    const last = this.#calls.at(-1) as UnaryCall;
    this.#calls[call.place] = last;
    last.place = call.place;
    this.#calls.pop();
    return true;
  }

  /** Fails all of them. What their handlers return later is dropped. */
  failAll(): void {
    const error = new AppError("unavailable", "the server stops");
    for (const call of this.#calls.splice(0)) call.fail(error);
  }
}

/** The handler as grpc-js calls it, with messages as bytes. */
function answerUnary(options: UnaryOptions) {
  const { method, handler, inProgress } = options;
  return async (grpcCall: GrpcCall, callback: sendUnaryData<Buffer>): Promise<void> => {
    const call = new UnaryCall(grpcCall, callback, options);
    inProgress.add(call);
    try {
      const bytes = encodeMessage(method.responseType, await handler(call));
      if (inProgress.remove(call)) callback(null, bytes);
    } catch (error) {
      if (inProgress.remove(call)) call.fail(error);
    } finally {
      call.context.close();
    }
  };
}

/** One object per call: closures and literals with getters show up in a profile. */
class UnaryCall implements IncomingCall, Caller {
  readonly context: RequestContext;
  /** Among the {@link CallsInProgress}. */
  place = -1;
  readonly #call: GrpcCall;
  readonly #callback: sendUnaryData<Buffer>;
  readonly #options: UnaryOptions;
  readonly #deadlineAt: number;

  constructor(call: GrpcCall, callback: sendUnaryData<Buffer>, options: UnaryOptions) {
    this.#call = call;
    this.#callback = callback;
    this.#options = options;
    this.#deadlineAt = Number(call.getDeadline());
    const parent = parseTraceparent(call.metadata.get("traceparent")[0]?.toString());
    const timeoutMs = this.#deadlineAt === Infinity
      ? CALL_TIMEOUT_MS
      : Math.min(this.#deadlineAt - Date.now(), CALL_TIMEOUT_MAX_MS);
    const traceparent = options.startTraceparent(parent);
    this.context = new RequestContext({ traceparent, parent, timeoutMs, caller: this });
  }

  metadata(key: string): readonly string[] {
    return this.#call.metadata.get(key).map(String);
  }

  read(): unknown {
    const { requestType, name } = this.#options.method;
    try {
      return decodeMessage(requestType, this.#call.request);
    } catch (cause) {
      throw new AppError("invalid_argument", `The request is no ${name} message`, { cause });
    }
  }

  fail(error: unknown): void {
    const { errorDetails } = this.#options;
    this.#callback(toGrpcStatus(toAppError(error), errorDetails, this.context.traceId));
  }

  get hasLeft(): boolean {
    return this.#call.cancelled;
  }

  /**
   * grpc-js emits `cancelled` when the caller cancels and when the deadline has passed. A caller
   * also cancels at its deadline, and its message may arrive before the deadline passes here.
   */
  get signal(): AbortSignal {
    const controller = new AbortController();
    const abort = () => {
      controller.abort(
        Date.now() >= this.#deadlineAt - CALLER_AHEAD_MS
          ? new AppError("deadline_exceeded", "the deadline has passed")
          : new AppError("unavailable", "the caller disconnected"),
      );
    };
    if (this.#call.cancelled) abort();
    else this.#call.once("cancelled", abort);
    return controller.signal;
  }
}
