import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Clock, systemClock } from "../async/request-context.ts";
import {
  type DatabaseServer,
  type DatabaseTarget,
  describeServer,
  type SessionAttributes,
} from "./database-url.ts";
import {
  CannotConnect,
  ConnectTimeout,
  type Encryption,
  type Line,
  openLine,
} from "./open-line.ts";
import { type Login, tryLogin } from "./try-login.ts";

// Opens connections for every driver, so that a URL has one meaning. For each server in turn:
// connect; encrypt as sslmode requires; if the mode allows a choice, or there are several servers
// or target_session_attrs, log in on a separate connection to inspect the server; return a
// connection that is ready for the driver's login.

/** SQLSTATE of a refusal by pg_hba.conf, which may depend on the encryption. */
const REFUSED_BY_HBA = "28000";

/** SQLSTATEs of a refused login, also with another password or from another address. */
const REFUSED = /^28/;

/** The first byte of an error message, before which a refusing server sends nothing. */
const ERROR_RESPONSE = "E".charCodeAt(0);

export interface DialerOptions {
  readonly target: DatabaseTarget;
  /** Timeout for each server, unless the URL sets it. */
  readonly connectTimeoutMs: number;
  readonly clock?: Clock;
}

/** Opens connections to the servers of a URL. */
export class Dialer {
  readonly #target: DatabaseTarget;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  /** The encryption that each server accepts, if the mode allows a choice; until a failure. */
  readonly #encryptions = new Map<DatabaseServer, Encryption>();
  #choosing: Promise<DatabaseServer> | undefined;

  constructor({ target, connectTimeoutMs, clock = systemClock }: DialerOptions) {
    this.#target = target;
    this.#timeoutMs = target.connectTimeoutMs ?? connectTimeoutMs;
    this.#clock = clock;
  }

  /**
   * A connection for a driver. It never rejects, because postgres.js (3.4.9) would count a failed
   * connection as busy forever. A connection that could not be opened fails with the reason as soon
   * as something is written to it.
   */
  async open(): Promise<Duplex> {
    try {
      const { socket, server } = await this.#connect();
      this.#watch(socket, server);
      // The driver's messages name them.
      return Object.assign(socket, { host: server.host, port: server.port });
    } catch (error) {
      return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(error as Error) });
    }
  }

  /** Aborts connections that are being opened, and refuses further ones. */
  close(): void {
    this.#closing.abort(new CannotConnect(undefined, "the connections are closed"));
  }

  async #connect(): Promise<Line> {
    const { servers: [first, second], sessionAttributes } = this.#target;
    // A single server needs no inspection; the driver reports its errors.
    if (first && !second && sessionAttributes === "any") return await this.#dialInTime(first);
    // Connections that are opened together share one inspection.
    this.#choosing ??= this.#choose().finally(() => {
      this.#choosing = undefined;
    });
    return await this.#dialInTime(await this.#choosing);
  }

  /** The first server that accepts the login and satisfies target_session_attrs. */
  async #choose(): Promise<DatabaseServer> {
    const { sessionAttributes: wanted } = this.#target;
    if (wanted !== "prefer-standby") return await this.#first(wanted);
    return await this.#first("standby").catch(() => this.#first("any"));
  }

  async #first(wanted: Exclude<SessionAttributes, "prefer-standby">): Promise<DatabaseServer> {
    const failures: string[] = [];
    for (const server of this.#target.servers) {
      try {
        const { standby, readOnly } = await this.#inTime(async (signal) =>
          await this.#inspect(await this.#dial(server, signal), signal)
        );
        const fits = {
          ...{ any: true, standby, primary: !standby },
          ...{ "read-only": readOnly, "read-write": !readOnly },
        };
        if (fits[wanted]) return server;
        failures.push(
          `${describeServer(server)} is not ${wanted}, as target_session_attrs requires`,
        );
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        // As in libpq, a refused login ends the search.
        if (REFUSED.test(String(codeOf(error)))) throw error;
        failures.push((error as Error).message);
      }
    }
    throw new CannotConnect(undefined, failures.join("; "));
  }

  async #dialInTime(server: DatabaseServer): Promise<Line> {
    return await this.#inTime((signal) => this.#dial(server, signal));
  }

  async #dial(server: DatabaseServer, signal: AbortSignal): Promise<Line> {
    const { tls, tls: { mode } } = this.#target;
    const open = (encryption: Encryption) => openLine({ server, encryption, tls, signal });
    if (mode === "disable") return await open("plain");
    if (mode !== "allow" && mode !== "prefer") return await open("required");
    const known = this.#encryptions.get(server);
    if (known) return await open(known).catch((error: unknown) => this.#forget(server, error));
    const [first, second] = mode === "prefer"
      ? ["preferred", "plain"] as const
      : ["plain", "required"] as const;
    const line = await open(first).catch((error: Error) => {
      if (error.cause instanceof ConnectTimeout) throw error;
      // For example a refused certificate; an unavailable server fails a second time.
      return open(second).catch(() => Promise.reject(error));
    });
    if (mode === "prefer" && !line.encrypted) return line;
    const accepted = await this.#accepts(line, signal) ? first : second;
    this.#encryptions.set(server, accepted);
    return await open(accepted).catch((error: unknown) => this.#forget(server, error));
  }

  #forget(server: DatabaseServer, error: unknown): never {
    this.#encryptions.delete(server);
    throw error;
  }

  /** False if the server refuses this encryption before it has checked a password. */
  async #accepts(line: Line, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#inspect(line, signal);
      return true;
    } catch (error) {
      if (codeOf(error) === REFUSED_BY_HBA) return false;
      throw error;
    }
  }

  /** The result of inspecting a server. */
  async #inspect({ server, socket }: Line, signal: AbortSignal): Promise<Login> {
    const abort = () => socket.destroy(signal.reason as Error);
    signal.addEventListener("abort", abort, { once: true });
    try {
      signal.throwIfAborted();
      return await tryLogin(this.#target, socket);
    } catch (error) {
      socket.destroy();
      this.#encryptions.delete(server);
      if (signal.aborted) throw new CannotConnect(server, signal.reason);
      // Errors of the server and the network have a code.
      throw codeOf(error) === undefined ? new CannotConnect(server, error) : error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  }

  /** Runs the work with one server; the signal aborts at the timeout, or when it is not needed. */
  async #inTime<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const timeout = new AbortController();
    const late = new ConnectTimeout(`no answer within ${this.#timeoutMs / 1_000} s`);
    const cancel = this.#timeoutMs === Infinity
      ? () => {}
      : this.#clock.setTimer(this.#timeoutMs, () => timeout.abort(late));
    try {
      return await work(AbortSignal.any([timeout.signal, this.#closing.signal]));
    } finally {
      cancel();
    }
  }

  /**
   * Turns a silent close by the server into an error; postgres.js would retry it without a limit. A
   * server that refuses the login before it requests a password may now require another encryption.
   */
  #watch(socket: Socket, server: DatabaseServer): void {
    const onClose = () => {
      this.#encryptions.delete(server);
      socket.emit("error", new CannotConnect(server, "the server closed the connection"));
    };
    socket.once("close", onClose).once("data", (answer: Uint8Array) => {
      socket.off("close", onClose);
      if (answer[0] === ERROR_RESPONSE) this.#encryptions.delete(server);
    });
  }
}

function codeOf(error: unknown): unknown {
  return (error as { code?: unknown }).code;
}
