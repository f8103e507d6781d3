import { Server, ServerCredentials } from "@grpc/grpc-js";
import { formatHostPort, type HostPort } from "../config.ts";
import { DRAIN_MAX_MS } from "../lifecycle.ts";
import { GrpcHealth } from "./health.ts";
import { cutConnections, prepareGrpcJs } from "./prepare-grpc-js.ts";
import { addReflection } from "./reflection.ts";
import { addUnaryService, CallsInProgress, prepareServers, type UnaryService } from "./unary.ts";

/** The size of a thousand order lines is 16 KiB. */
const RECEIVE_MAX_BYTES = 1024 * 1024;
/** Concurrent calls per connection; further ones wait in the client. */
const CONCURRENT_STREAMS_MAX = 1_000;
/** Memory per connection, in MB; grpc-js sets no limit. */
const SESSION_MEMORY_MAX_MB = 64;
/** A connection that is dead without a reset is detected after the sum of these. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;
/**
 * When calls in progress fail as `unavailable`: a client may mistake a cut connection for a
 * cancelled call.
 */
const FAIL_CALLS_MS = DRAIN_MAX_MS - 500;

export interface GrpcServerOptions extends UnaryService {
  readonly address: HostPort;
  /** The FileDescriptorSet that reflection shows. */
  readonly descriptorSet: Uint8Array;
  /** Dependencies whose health grpc.health.v1 reports, under these names. */
  readonly parts?: readonly string[];
}

export interface GrpcServer {
  /** The given address, with the bound port. */
  readonly address: HostPort;
  /** NOT_SERVING at first. */
  readonly health: GrpcHealth;
  /**
   * Reports NOT_SERVING, accepts no further calls, waits for those in progress and disconnects,
   * within {@link DRAIN_MAX_MS}. Calls that take longer fail as `unavailable`.
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
  addUnaryService(server, options, inProgress);
  const endReflection = await addReflection(server, options.descriptorSet);
  const health = new GrpcHealth(["", definition.fullName], options.parts);
  health.addTo(server);
  const bound = { ...address, port: await bind(server, address) };
  const close = async () => {
    health.close();
    endReflection();
    const late = setTimeout(() => inProgress.failAll(), FAIL_CALLS_MS);
    await shutDown(server, bound.port);
    clearTimeout(late);
  };
  return { address: bound, health, close };
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
 * `tryShutdown` sends GOAWAY and waits for the connections to close, without a limit. `drain` and
 * `forceShutdown` do not cut all of them (docs/decisions/0008).
 */
async function shutDown(server: Server, port: number): Promise<void> {
  const cut = setTimeout(() => cutConnections(port), DRAIN_MAX_MS);
  await new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  clearTimeout(cut);
}
