import http2, { type ServerOptions } from "node:http2";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type {
  sendUnaryData,
  Server,
  ServerUnaryCall,
  ServiceDefinition as GrpcServiceDefinition,
  UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type Caller, RequestContext } from "../async/request-context.ts";
import { AppError, toAppError } from "../errors.ts";
import { childTraceparent, parseTraceparent, type StartTraceparent } from "../telemetry/tracing.ts";
import type { ErrorDetail } from "./error-details.ts";
import { toGrpcStatus } from "./status.ts";

/** The timeout of a call without a deadline. */
const CALL_TIMEOUT_MS = 5_000;
/** Longer deadlines are shortened, because a waiting call holds resources. */
const CALL_TIMEOUT_MAX_MS = 60_000;
/** A client starts its timeout before it sends the request. */
const CALLER_AHEAD_MS = 20;
const TIMEOUT_HEADER = "grpc-timeout";
/** In smaller units, eight digits are at most a day. */
const LONG_TIMEOUT = /^([0-9]+)([HMS])$/;
const UNIT_S = { H: 3_600, M: 60, S: 1 } as const;
/** The longest timeout that grpc-js computes correctly, in whole seconds: almost 25 days. */
const MAX_S = Math.floor((2 ** 31 - 1) / 1_000);
/**
 * Calls that a connection may cancel, at once and per second. Node closes it beyond 1000 and 33: an
 * overloaded server loses its connections when the deadlines of its callers pass.
 */
const CANCELS = { streamResetBurst: 20_000, streamResetRate: 5_000 };

const identity = (bytes: Buffer) => bytes;

/** How generated code writes and reads one message. */
export interface MessageCodec<Message> {
  // Method syntax: a codec of any message fits where the message type is unknown.
  encode(message: Message): { finish(): Uint8Array };
  decode(input: BinaryReader | Uint8Array): Message;
}

export interface UnaryMethodDefinition {
  /** As in the .proto file: `OrderCreate`. */
  readonly name: string;
  readonly requestType: MessageCodec<unknown>;
  readonly responseType: MessageCodec<unknown>;
  readonly requestStream: false;
  readonly responseStream: false;
}

/** A service as ts-proto generates it with `outputServices=generic-definitions`. */
export interface ServiceDefinition {
  /** `loms.v1.Loms`. */
  readonly fullName: string;
  readonly methods: Readonly<Record<string, UnaryMethodDefinition>>;
}

export type MethodKey<Definition extends ServiceDefinition> = keyof Definition["methods"] & string;
export type RequestOf<
  Definition extends ServiceDefinition,
  Key extends MethodKey<Definition>,
> = ReturnType<Definition["methods"][Key]["requestType"]["decode"]>;
export type ResponseOf<
  Definition extends ServiceDefinition,
  Key extends MethodKey<Definition>,
> = ReturnType<Definition["methods"][Key]["responseType"]["decode"]>;

/** The path of a method on the wire. */
export function methodPath(definition: ServiceDefinition, method: UnaryMethodDefinition): string {
  return `/${definition.fullName}/${method.name}`;
}

/** A method by its key, as spans and dashboards name it: `loms.v1.Loms/OrderCreate`. */
export function methodName(definition: ServiceDefinition, key: string): string {
  return `${definition.fullName}/${definition.methods[key]?.name ?? key}`;
}

/** The encoded message, without a copy. */
export function encodeMessage(codec: MessageCodec<unknown>, message: unknown): Buffer {
  const bytes = codec.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Throws if the bytes are not such a message. */
export function decodeMessage<Message>(codec: MessageCodec<Message>, bytes: Uint8Array): Message {
  const reader = new BinaryReader(bytes);
  const message = codec.decode(reader);
  // Generated code stops at an impossible tag without an error.
  if (reader.pos !== reader.len) throw new Error(`no field at byte ${reader.pos}`);
  return message;
}

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

/** A service with a handler for each of its methods. */
export interface UnaryService {
  readonly definition: ServiceDefinition;
  /** One for each method of the definition, under its key. */
  readonly handlers: Readonly<Record<string, UnaryHandler>>;
  readonly errorDetails: readonly ErrorDetail[];
  /** Starts the span of each call. */
  readonly startTraceparent?: StartTraceparent;
}

/** Adds the methods of a service to a server of grpc-js; `inProgress` keeps their calls. */
export function addUnaryService(
  server: Server,
  options: UnaryService,
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

interface UnaryOptions {
  readonly method: UnaryMethodDefinition;
  readonly handler: UnaryHandler;
  readonly errorDetails: readonly ErrorDetail[];
  readonly startTraceparent: StartTraceparent;
  readonly inProgress: CallsInProgress;
}

/**
 * The calls in progress. Not a Set: V8 links each of a Set's tables to the next, so a Set whose
 * entries come and go keeps removed calls alive through collections of young objects.
 */
export class CallsInProgress {
  readonly #calls: UnaryCall[] = [];

  add(call: UnaryCall): void {
    call.place = this.#calls.length;
    this.#calls.push(call);
  }

  /** Whether the call was still in progress. */
  remove(call: UnaryCall): boolean {
    if (this.#calls[call.place] !== call) return false;
    // The last call moves to the free place.
    const last = this.#calls.at(-1) as UnaryCall;
    this.#calls[call.place] = last;
    last.place = call.place;
    this.#calls.pop();
    return true;
  }

  /** Fails all of them. Later results of their handlers are dropped. */
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

/** One object per call, because closures and literals with getters show up in a profile. */
class UnaryCall implements IncomingCall, Caller {
  readonly context: RequestContext;
  /** The index in {@link CallsInProgress}. */
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
      throw new AppError("invalid_argument", `The request is not a valid ${name} message`, {
        cause,
      });
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

let preparesServers = false;

/**
 * Must be called before a server of grpc-js is created. It lets callers cancel many calls, and
 * makes every legal `grpc-timeout` work: up to eight digits, any unit. grpc-js 1.14 computes it in
 * ms with `| 0`, so from 2,147,484 s on it is negative and the call fails at once; and it removes
 * the header before an interceptor runs.
 */
export function prepareServers(): void {
  if (preparesServers) return;
  preparesServers = true;
  const { createServer } = http2;
  http2.createServer = ((options: ServerOptions) => {
    const server = createServer({ ...CANCELS, ...options });
    server.prependListener("stream", (_stream, headers) => {
      const given = headers[TIMEOUT_HEADER];
      if (typeof given === "string") headers[TIMEOUT_HEADER] = boundTimeout(given);
    });
    return server;
  }) as typeof createServer;
}

/** A `grpc-timeout` that grpc-js computes correctly; a malformed one stays as it is. */
export function boundTimeout(text: string): string {
  const [, digits, unit] = LONG_TIMEOUT.exec(text) ?? [];
  if (digits === undefined) return text;
  return Number(digits) * UNIT_S[unit as keyof typeof UNIT_S] > MAX_S ? `${MAX_S}S` : text;
}
