import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import { type Clock, systemClock } from "../async/clock.ts";
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

// Opens connections for every driver, so that all of them mean the same by a URL. The order of steps:
// for each server in turn, connect → encrypt as sslmode says → if the mode leaves a choice, or there
// are several servers or target_session_attrs, log in on a connection of its own to look → hand over
// a connection that is ready for the driver's login.

/** SQLSTATE of a server whose pg_hba.conf refuses this way in, by its encryption or otherwise. */
const NOT_THIS_WAY = "28000";

/** SQLSTATEs of a login that is refused, also with another password or from elsewhere. */
const REFUSED = /^28/;

/** What is learned of a server by a login. */
type Look = (line: Line) => Promise<Login>;

export interface DialerOptions {
  readonly target: DatabaseTarget;
  /** How long each server may take, unless the URL says it. */
  readonly connectTimeoutMs: number;
  readonly clock?: Clock;
  readonly look?: Look;
}

/** Opens connections to the servers of a URL. */
export class Dialer {
  readonly #target: DatabaseTarget;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #look: Look;
  readonly #closing = new AbortController();
  /** How a server lets us in, where the mode leaves a choice. */
  readonly #ways = new Map<DatabaseServer, Encryption>();
  #choosing: Promise<DatabaseServer> | undefined;

  constructor({ target, connectTimeoutMs, clock = systemClock, look }: DialerOptions) {
    this.#target = target;
    this.#timeoutMs = target.connectTimeoutMs ?? connectTimeoutMs;
    this.#clock = clock;
    this.#look = look ?? ((line) => tryLogin(target, line.socket, this.#timeoutMs));
  }

  /**
   * A connection for a driver. It never rejects, because postgres.js (3.4.9) would count a
   * connection that could not be made as busy ever after: what is returned then fails as soon as
   * something is written into it, with the reason.
   */
  async open(): Promise<Duplex> {
    try {
      const { socket, server } = await this.#connect();
      failOnHangUp(socket, server);
      // The driver's messages name them.
      return Object.assign(socket, { host: server.host, port: server.port });
    } catch (error) {
      return new Duplex({ read() {}, write: (_chunk, _encoding, done) => done(error as Error) });
    }
  }

  /** Ends what is being opened, and opens nothing more. */
  close(): void {
    this.#closing.abort(new CannotConnect(undefined, "the connections are closed"));
  }

  async #connect(): Promise<Line> {
    const { servers: [first, second], sessionAttributes } = this.#target;
    // One server is what it is, and the driver finds out what is wrong with it.
    if (first && !second && sessionAttributes === "any") return await this.#dial(first);
    // Connections that are opened together share a look around.
    this.#choosing ??= this.#choose().finally(() => {
      this.#choosing = undefined;
    });
    return await this.#dial(await this.#choosing);
  }

  /** The first server that lets us in and is of the kind of target_session_attrs. */
  async #choose(): Promise<DatabaseServer> {
    const { sessionAttributes: wanted } = this.#target;
    if (wanted !== "prefer-standby") return await this.#first(wanted);
    return await this.#first("standby").catch(() => this.#first("any"));
  }

  async #first(wanted: Exclude<SessionAttributes, "prefer-standby">): Promise<DatabaseServer> {
    const failures: string[] = [];
    for (const server of this.#target.servers) {
      try {
        const { standby, readOnly } = await this.#look(await this.#dial(server));
        const fits = {
          ...{ any: true, standby, primary: !standby },
          ...{ "read-only": readOnly, "read-write": !readOnly },
        };
        if (fits[wanted]) return server;
        failures.push(`${describeServer(server)} is not ${wanted}, as target_session_attrs asks`);
      } catch (error) {
        this.#closing.signal.throwIfAborted();
        // As in libpq, a refused login ends the search.
        if (REFUSED.test(codeOf(error))) throw error;
        failures.push((error as Error).message);
      }
    }
    throw new CannotConnect(undefined, failures.join("; "));
  }

  async #dial(server: DatabaseServer): Promise<Line> {
    const { mode } = this.#target.tls;
    if (mode === "disable") return await this.#open(server, "plain");
    if (mode !== "allow" && mode !== "prefer") return await this.#open(server, "required");
    const known = this.#ways.get(server);
    if (known) return await this.#open(server, known);
    const [first, second] = mode === "prefer"
      ? ["preferred", "plain"] as const
      : ["plain", "required"] as const;
    const line = await this.#openOr(server, first, second);
    if (mode === "prefer" && !line.encrypted) return line;
    const way = await this.#lets(line) ? first : second;
    this.#ways.set(server, way);
    return await this.#open(server, way);
  }

  async #openOr(server: DatabaseServer, first: Encryption, second: Encryption): Promise<Line> {
    try {
      return await this.#open(server, first);
    } catch (error) {
      if ((error as Error).cause instanceof ConnectTimeout) throw error;
      // A certificate that is refused, say; a server that is away fails a second time.
      return await this.#open(server, second).catch(() => Promise.reject(error as Error));
    }
  }

  /** False when the server refuses this way, before it has looked at a password. */
  async #lets(line: Line): Promise<boolean> {
    try {
      await this.#look(line);
      return true;
    } catch (error) {
      if (codeOf(error) === NOT_THIS_WAY) return false;
      throw error;
    }
  }

  async #open(server: DatabaseServer, encryption: Encryption): Promise<Line> {
    const timeout = new AbortController();
    const late = new ConnectTimeout(`no answer within ${this.#timeoutMs / 1_000} s`);
    const cancel = this.#timeoutMs === Infinity
      ? () => {}
      : this.#clock.setTimer(this.#timeoutMs, () => timeout.abort(late));
    try {
      const signal = AbortSignal.any([timeout.signal, this.#closing.signal]);
      return await openLine({ server, encryption, tls: this.#target.tls, signal });
    } finally {
      cancel();
    }
  }
}

/** Makes an error of a server that says nothing and goes: postgres.js would try for ever. */
function failOnHangUp(socket: Socket, server: DatabaseServer): void {
  const onClose = () => socket.emit("error", new CannotConnect(server, "it hung up"));
  socket.once("close", onClose).once("data", () => socket.off("close", onClose));
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code);
}
