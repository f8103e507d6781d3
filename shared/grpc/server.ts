import {
  Server,
  ServerCredentials,
  type ServiceDefinition as GrpcServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { formatHostPort, type HostPort } from "../config.ts";
import { childTraceparent, type StartTraceparent } from "../telemetry/traceparent.ts";
import { boundTimeouts } from "./bound-timeout.ts";
import { methodPath, type ServiceDefinition } from "./definition.ts";
import type { ErrorDetail } from "./error-details.ts";
import { GrpcHealth } from "./health.ts";
import { quietGrpc } from "./quiet.ts";
import { addReflection } from "./reflection.ts";
import { surviveGoaway } from "./survive-goaway.ts";
import { answerUnary, type CallsUnderWay, turnAway, type UnaryHandler } from "./unary.ts";

/** A thousand order lines take 16 KiB; more than this is no order. */
const RECEIVE_MAX_BYTES = 1024 * 1024;
/** One client's calls at a time; further ones wait on its side. */
const CONCURRENT_STREAMS_MAX = 1_000;
/** What one connection may make Node hold for it, in MB; grpc-js alone would set no limit. */
const SESSION_MEMORY_MAX_MB = 64;
/** A peer that vanished without a word is noticed after these two. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/** How long a stop waits for calls under way; within the grace period of a process. */
const DRAIN_MAX_MS = 6_000;
/** Then they are answered: a connection that is cut may tell its caller that it was cancelled. */
const TURN_AWAY_MS = DRAIN_MAX_MS - 500;

export interface GrpcServerOptions {
  readonly address: HostPort;
  readonly definition: ServiceDefinition;
  /** One for each method of the definition, under its key. */
  readonly handlers: Readonly<Record<string, UnaryHandler>>;
  /** The FileDescriptorSet that reflection shows. */
  readonly descriptorSet: Uint8Array;
  readonly errorDetails: readonly ErrorDetail[];
  /** What the service needs, by the names that grpc.health.v1 has for it. */
  readonly parts?: readonly string[];
  /** Gives each call its place in a trace. */
  readonly place?: StartTraceparent;
}

export interface GrpcServer {
  /** As it was given, with the port that was bound. */
  readonly address: HostPort;
  /** What grpc.health.v1 says; not serving at first. */
  readonly health: GrpcHealth;
  /**
   * Says NOT_SERVING, takes no new call, waits for those under way and hangs up, in 6 s at most: a
   * call that takes too long is answered `unavailable`.
   */
  close(): Promise<void>;
}

/** A server of unary methods, with reflection and health, that listens when this resolves. */
export async function startGrpcServer(options: GrpcServerOptions): Promise<GrpcServer> {
  quietGrpc();
  surviveGoaway();
  boundTimeouts();
  const { definition, address } = options;
  const server = new Server({
    "grpc.max_receive_message_length": RECEIVE_MAX_BYTES,
    "grpc.max_concurrent_streams": CONCURRENT_STREAMS_MAX,
    "grpc-node.max_session_memory": SESSION_MEMORY_MAX_MB,
    "grpc.keepalive_time_ms": KEEPALIVE_TIME_MS,
    "grpc.keepalive_timeout_ms": KEEPALIVE_TIMEOUT_MS,
    // Its counters cost time in every call, and nothing reads them.
    "grpc.enable_channelz": 0,
  });
  const underWay: CallsUnderWay = new Set();
  addService(server, options, underWay);
  await addReflection(server, options.descriptorSet);
  const health = new GrpcHealth(["", definition.fullName], options.parts);
  health.addTo(server);
  const bound = { ...address, port: await bind(server, address) };
  const close = async () => {
    health.close();
    const late = setTimeout(() => turnAway(underWay), TURN_AWAY_MS);
    await shutDown(server, formatHostPort(bound));
    clearTimeout(late);
  };
  return { address: bound, health, close };
}

function addService(
  server: Server,
  options: GrpcServerOptions,
  underWay: CallsUnderWay,
): void {
  const { definition, handlers, errorDetails, place = childTraceparent } = options;
  const service: { -readonly [Key in keyof GrpcServiceDefinition]: GrpcServiceDefinition[Key] } =
    {};
  const implementation: UntypedServiceImplementation = {};
  for (const [key, method] of Object.entries(definition.methods)) {
    const handler = handlers[key];
    if (!handler) throw new Error(`no handler for ${definition.fullName}/${key}`);
    service[key] = {
      path: methodPath(definition, method),
      requestStream: false,
      responseStream: false,
      // Messages are read and written beside the handler. grpc-js itself would answer `internal`
      // to a request that cannot be read.
      requestDeserialize: asItIs,
      requestSerialize: asItIs,
      responseDeserialize: asItIs,
      responseSerialize: asItIs,
    };
    implementation[key] = answerUnary({ method, handler, errorDetails, place, underWay });
  }
  server.addService(service, implementation);
}

function asItIs(bytes: Buffer): Buffer {
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
 * Tells every client that no new call is taken, and cuts what has not ended in time: a connection
 * that `tryShutdown` closes first is no longer cut. `forceShutdown` would cut none: it knows no
 * connections while channelz is off.
 */
function shutDown(server: Server, address: string): Promise<void> {
  server.drain(address, DRAIN_MAX_MS);
  return new Promise((resolve) => server.tryShutdown(() => resolve()));
}
