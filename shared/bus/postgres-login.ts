import { Socket } from "node:net";
import { Duplex } from "node:stream";
import { AppError } from "../errors.ts";
import { readDatabaseUrl } from "../postgres/database-url.ts";
import { Dialer } from "../postgres/dialer.ts";
import { ignorePgVariables } from "../postgres/ignore-pg-variables.ts";
import { sharesSessions } from "../postgres/pooler.ts";

const APPLICATION_NAME = "marketplace_bus";

/**
 * Connection options for `pg` from a database URL, with the meaning that URLs have everywhere in
 * this project: a dialer opens the connections. `pg` itself reads neither the URL nor variables
 * such as PGOPTIONS.
 */
export function dialedLogin(url: string, connectTimeoutMs: number) {
  ignorePgVariables();
  const target = readDatabaseUrl(url);
  const dialer = new Dialer({ target, connectTimeoutMs });
  const timeoutMs = target.connectTimeoutMs ?? connectTimeoutMs;
  const [first] = target.servers;
  const login = {
    stream: () => new DialedStream(dialer),
    // For error messages only.
    host: first?.host ?? "",
    port: first?.port ?? 0,
    ssl: false,
    user: target.user,
    password: () => target.password,
    database: target.database,
    // As keepalives=1, the default of every URL.
    keepAlive: true,
    application_name: target.applicationName ?? APPLICATION_NAME,
    ...(target.options !== undefined && { options: target.options }),
    // For trying every server, and the login.
    connectionTimeoutMillis: timeoutMs === Infinity ? 0 : timeoutMs * (target.servers.length + 1),
  };
  return { dialer, login };
}

/**
 * The embedded bus needs LISTEN, which needs its own session.
 * @throws {AppError} `failed_precondition` behind a pooler in transaction mode
 */
export async function assertOwnSession(url: string): Promise<void> {
  if (!await sharesSessions(url)) return;
  throw new AppError(
    "failed_precondition",
    "BUS_DATABASE_URL leads to a pooler in transaction mode, and the embedded bus needs LISTEN: " +
      "give it the server's own address, or a pool in session mode, or use KAFKA_BROKERS",
  );
}

/** A socket for `pg` (8.23) that a dialer connects. */
class DialedStream extends Duplex {
  readonly #dialer: Dialer;
  #inner: Duplex | undefined;

  constructor(dialer: Dialer) {
    super();
    this.#dialer = dialer;
  }

  /** Emits "connect". A failure surfaces at the first write, as with {@link Dialer.open}. */
  connect(): this {
    void this.#dialer.open().then((inner) => {
      if (this.destroyed) return void inner.destroy();
      this.#inner = inner;
      inner.on("data", (chunk) => {
        if (!this.push(chunk)) inner.pause();
      });
      inner.on("end", () => this.push(null));
      inner.on("error", (error) => this.destroy(error));
      inner.on("close", () => this.destroy());
      this.emit("connect");
    });
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(on: boolean, delayMs: number): this {
    if (this.#inner instanceof Socket) this.#inner.setKeepAlive(on, delayMs);
    return this;
  }

  ref(): this {
    if (this.#inner instanceof Socket) this.#inner.ref();
    return this;
  }

  unref(): this {
    if (this.#inner instanceof Socket) this.#inner.unref();
    return this;
  }

  override _read(): void {
    this.#inner?.resume();
  }

  override _write(
    chunk: Uint8Array,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ) {
    if (this.#inner) this.#inner.write(chunk, done);
    else done(new Error("not connected yet"));
  }

  override _final(done: () => void): void {
    if (this.#inner) this.#inner.end(done);
    else done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#inner?.destroy();
    done(error);
  }
}
