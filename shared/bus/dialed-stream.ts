import { Duplex } from "node:stream";
import { Socket } from "node:net";
import type { Dialer } from "../postgres/dialer.ts";

/** What `pg` (8.23) takes for a socket: it connects by a dialer, and passes on what goes through. */
export class DialedStream extends Duplex {
  readonly #dialer: Dialer;
  #inner: Duplex | undefined;

  constructor(dialer: Dialer) {
    super();
    this.#dialer = dialer;
  }

  /** Emits "connect". A failure shows at the first write, as {@link Dialer.open} has it. */
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
