import { createRequire } from "node:module";
import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import kafkajs, {
  type Admin,
  type ISocketFactory,
  type Kafka,
  type LogEntry,
  type RetryOptions,
} from "kafkajs";
import { keepHeartbeats } from "./kafka-heartbeats.ts";
import { keepLastBroker } from "./kafka-last-broker.ts";
import { dropSilentBrokers } from "./kafka-silent-brokers.ts";
import type { KafkaSecurity } from "./kafka-settings.ts";
import type { ThrottledLog } from "../telemetry/throttled-log.ts";

const CONNECT_TIMEOUT_MS = 3_000;
/** So that a broker that hangs does not block the relay. */
const REQUEST_TIMEOUT_MS = 5_000;

/** The relay and the callers of `subscribe()` retry themselves, so these fail after 1–2 s. */
const IMPATIENT: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 3 };
/**
 * A consumer that retries during an outage keeps its membership; one that crashes rejoins as a new
 * member, after the old session has expired. kafkajs restarts the consumer after these retries,
 * about a minute.
 */
const PATIENT: RetryOptions = { initialRetryTime: 100, maxRetryTime: 1_000, retries: 60 };

export interface KafkaClients {
  /** For producing and administration. */
  readonly impatient: Kafka;
  /** For consuming. The retry settings also apply to connecting, so it takes two clients. */
  readonly patient: Kafka;
}

export interface ClientOptions {
  /** Each as host:port or [::1]:port. */
  readonly brokers: readonly string[];
  readonly security?: KafkaSecurity;
}

export function createKafkaClients(
  { brokers, security: { ssl, sasl } = {} }: ClientOptions,
  logFailure: ThrottledLog,
): KafkaClients {
  patchKafkajs();
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
      // kafkajs logs rebalances and the first lookup of a coordinator as errors.
      logCreator: () => ({ log }: LogEntry) =>
        logFailure("warn", "Kafka client error", new Error(describe(log))),
    });
  return { impatient: create(IMPATIENT), patient: create(PATIENT) };
}

/** Runs `work` with a new admin client. */
export async function withAdmin<Result>(
  kafka: Kafka,
  work: (admin: Admin) => Promise<Result>,
): Promise<Result> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    return await work(admin);
  } finally {
    await admin.disconnect();
  }
}

function describe({ message, error }: LogEntry["log"]): string {
  return typeof error === "string" ? `${message}: ${error}` : message;
}

let isPatched = false;

/** Before the first client: two of the patches wrap what they find. */
function patchKafkajs(): void {
  if (isPatched) return;
  isPatched = true;
  quietIdleConnections();
  keepHeartbeats();
  dropSilentBrokers();
  keepLastBroker();
}

/** The part of kafkajs 2.2.4 that {@link quietIdleConnections} patches. */
interface RequestQueue {
  throttleCheckTimeoutId: ReturnType<typeof setTimeout> | null;
  readonly throttledUntil: number;
  readonly pending: readonly unknown[];
  checkPendingRequests(): void;
  scheduleCheckPendingRequests(): void;
}

/** How often requests that wait for those in flight are checked; as in kafkajs. */
const CHECK_PENDING_MS = 10;

/**
 * Each connection of kafkajs 2.2.4 sets a 1 ms timer again and again (its issue 1751), which costs
 * 2 % of a CPU and warns of a negative timeout. With this patch it does so only while requests
 * wait.
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

const KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * The brokers in a form that kafkajs 2.2.4 can parse. It ends the host at the first colon, so the
 * colons of an IPv6 address are replaced here, and restored by {@link openSocket}.
 */
function withoutColons(brokers: readonly string[]): string[] {
  return brokers.map((broker) =>
    broker.replace(/^\[.*\]/, (address) => address.replaceAll(":", "_"))
  );
}

/**
 * Like the socket factory of kafkajs, and accepts hosts from {@link withoutColons}. Requests leave
 * at once: by default the last part of a large one waits until the broker has acknowledged the
 * others.
 */
const openSocket: ISocketFactory = ({ host: given, port, ssl, onConnect }) => {
  const host = given.startsWith("[") ? given.slice(1, -1).replaceAll("_", ":") : given;
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setNoDelay(true);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
};
