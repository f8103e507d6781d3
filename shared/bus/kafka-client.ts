import { createRequire } from "node:module";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import kafkajs, {
  type ISocketFactory,
  type Kafka,
  type LogEntry,
  type RetryOptions,
} from "kafkajs";
import type { KafkaSecurity } from "./kafka-settings.ts";
import type { SeldomLog } from "./seldom-log.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** A broker that hangs must not hold the relay for ever. */
const REQUEST_TIMEOUT_MS = 5_000;

/** The relay and the callers of `subscribe()` try again themselves, so these give up in 1–2 s. */
const IMPATIENT: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 };
/**
 * A consumer that waits an outage out keeps its membership: one that crashes comes back as another
 * member, after the old one's session has ended. Kafka's own restart follows when these are spent,
 * after a minute.
 */
const PATIENT: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 };

export interface KafkaClients {
  /** For producing and administration. */
  readonly impatient: Kafka;
  /** For consuming. The retry settings of a client rule its connecting, so it takes two. */
  readonly patient: Kafka;
}

export interface ClientOptions {
  /** Each as host:port or [::1]:port. */
  readonly brokers: readonly string[];
  readonly security?: KafkaSecurity;
}

export function createKafkaClients(
  { brokers, security: { ssl, sasl } = {} }: ClientOptions,
  logFailure: SeldomLog,
): KafkaClients {
  quietIdleConnections();
  heartbeatsFollowClockBack();
  const create = (retry: RetryOptions) =>
    new kafkajs.Kafka({
      clientId: "marketplace",
      brokers: withoutColons(brokers),
      socketFactory: openSocket,
      ...(ssl && { ssl }),
      ...(sasl && { sasl }),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      retry,
      logLevel: kafkajs.logLevel.ERROR,
      // Rebalances and the first look for a coordinator are errors to kafkajs, not to us.
      logCreator: () => ({ log }: LogEntry) =>
        logFailure("warn", "Kafka has a problem", new Error(describe(log))),
    });
  return { impatient: create(IMPATIENT), patient: create(PATIENT) };
}

function describe({ message, error }: LogEntry["log"]): string {
  return typeof error === "string" ? `${message}: ${error}` : message;
}

/** What the patch below touches of kafkajs 2.2.4. */
interface RequestQueue {
  throttleCheckTimeoutId: ReturnType<typeof setTimeout> | null;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** Between looks at requests that wait for those in flight, as in kafkajs. */
const CHECK_PENDING_MS = 10;

/**
 * Each connection of kafkajs 2.2.4 sets a timer of 1 ms for ever (its issue 1751): 2 % of a CPU and
 * a warning about a negative timeout. This sets one only while something waits.
 */
function quietIdleConnections(): void {
  const load = createRequire(import.meta.url);
  const queue = load("kafkajs/src/network/requestQueue/index.js") as { prototype: RequestQueue };
  queue.prototype.scheduleCheckPendingRequests = function () {
    if (this.throttleCheckTimeoutId) return;
    const throttledMs = this.throttledUntil - Date.now();
    if (throttledMs <= 0 && this.pending.length === 0) return;
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, throttledMs > 0 ? throttledMs : CHECK_PENDING_MS);
  };
}

/** What the patch below touches of kafkajs 2.2.4. */
interface ConsumerGroup {
  lastRequest: number;
  heartbeat(options: { readonly interval: number }): Promise<void>;
}

const patched = new WeakSet<object>();

/**
 * A consumer of kafkajs 2.2.4 sends its next heartbeat by the calendar: when the clock of its process
 * steps back an hour, none goes out for that hour, and the broker takes the member for dead each time
 * that it joins. A heartbeat from the future counts as one of long ago.
 */
export function heartbeatsFollowClockBack(): void {
  const load = createRequire(import.meta.url);
  const { prototype } = load("kafkajs/src/consumer/consumerGroup.js") as {
    prototype: ConsumerGroup;
  };
  if (patched.has(prototype)) return;
  patched.add(prototype);
  const heartbeat = prototype.heartbeat;
  prototype.heartbeat = function (options) {
    if (this.lastRequest > Date.now()) this.lastRequest = 0;
    return heartbeat.call(this, options);
  };
}

const KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * The brokers in a form that kafkajs 2.2.4 can read: it takes what stands before the first colon for
 * the host, so an IPv6 address hides its colons until {@link openSocket} sees it.
 */
export function withoutColons(brokers: readonly string[]): string[] {
  return brokers.map((broker) =>
    broker.replace(/^\[.*\]/, (address) => address.replaceAll(":", "_"))
  );
}

/** As kafkajs' own, for the hosts of {@link withoutColons}, too. */
export const openSocket: ISocketFactory = ({ host: given, port, ssl, onConnect }) => {
  const host = given.startsWith("[") ? given.slice(1, -1).replaceAll("_", ":") : given;
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
};
