import { connect, createServer, type Server, type Socket } from "node:net";

/** A proxy to a server whose traffic can be cut or stopped, in one or both directions. */
export class TcpLine {
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;
  /** New connections are refused. */
  refuses = false;
  /** Data of the server is dropped: it executes the request, and the client gets no answer. */
  deaf = false;
  /** Nothing passes, in either direction. */
  stopped = false;

  constructor(target: { readonly hostname: string; readonly port: string }) {
    this.#server = createServer((near) => {
      if (this.refuses) return void near.destroy();
      const far = connect(Number(target.port), target.hostname);
      this.#join(near, far, () => !this.stopped);
      this.#join(far, near, () => !this.stopped && !this.deaf);
    });
  }

  /** Opens a proxy to the server of a URL; returns that URL by way of the proxy. */
  static async to(url: string): Promise<{ readonly line: TcpLine; readonly url: string }> {
    const changed = new URL(url);
    const line = new TcpLine({ hostname: changed.hostname, port: changed.port });
    await line.#listen();
    changed.hostname = "127.0.0.1";
    changed.port = String(line.port);
    return { line, url: changed.href };
  }

  /** Opens a proxy to a port of 127.0.0.1. */
  static async toPort(port: number): Promise<TcpLine> {
    const line = new TcpLine({ hostname: "127.0.0.1", port: String(port) });
    await line.#listen();
    return line;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  close(): void {
    this.cut();
    this.#server.close();
  }

  async #listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
  }

  #join(from: Socket, to: Socket, passes: () => boolean): void {
    this.#sockets.add(from);
    from.on("error", () => to.destroy()).on("close", () => to.destroy());
    from.on("data", (bytes) => passes() && to.write(bytes));
  }
}
