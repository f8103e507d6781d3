import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { type DatabaseServer, describeServer, unixSocket } from "./database-url.ts";
import { tlsOptions, type TlsSettings } from "./tls-settings.ts";

/** The SSLRequest message, sent before any other. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = "S";
const NO = "N";

/** If the server does not encrypt, "preferred" uses a plain connection and "required" fails. */
export type Encryption = "plain" | "preferred" | "required";

/** A connection before the login. */
export interface Line {
  readonly server: DatabaseServer;
  readonly socket: Socket;
  readonly encrypted: boolean;
}

export interface OpenLineOptions {
  readonly server: DatabaseServer;
  readonly encryption: Encryption;
  readonly tls: TlsSettings;
  /** Aborts at the timeout, or when the connection is not needed. */
  readonly signal: AbortSignal;
}

/** No answer arrived in time. */
export class ConnectTimeout extends Error {
  override readonly name = "ConnectTimeout";
}

/** A server that could not be reached; the message names it and the reason. */
export class CannotConnect extends Error {
  override readonly name = "CannotConnect";
  readonly code = "CANNOT_CONNECT";

  constructor(server: DatabaseServer | undefined, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    super(server ? `cannot connect to ${describeServer(server)}: ${reason}` : reason, { cause });
  }
}

/**
 * Connects to one server, encrypted or not.
 * @throws {CannotConnect}
 */
export async function openLine(options: OpenLineOptions): Promise<Line> {
  const { server, encryption, tls, signal } = options;
  const { address, port } = server;
  const path = unixSocket(server);
  let socket = path === undefined ? connect(port, address) : connect(path);
  const abort = () => socket.destroy(signal.reason as Error);
  try {
    signal.throwIfAborted();
    signal.addEventListener("abort", abort, { once: true });
    // The driver, which starts listening later, must receive later failures.
    socket.on("error", () => {});
    await eventOf(socket, "connect");
    // The drivers write a statement in parts; each part would wait 40 ms for the acknowledgement of
    // the previous one.
    socket.setNoDelay(true);
    // A Unix socket is never encrypted.
    if (path !== undefined || encryption === "plain") return { server, socket, encrypted: false };
    if (!tls.direct && !await agrees(socket)) {
      if (encryption === "preferred") return { server, socket, encrypted: false };
      throw new Error("the server does not encrypt, and sslmode requires it");
    }
    socket = connectTls({ socket, ...tlsOptions(tls, server.host) });
    socket.on("error", () => {});
    await eventOf(socket, "secureConnect");
    return { server, socket, encrypted: true };
  } catch (error) {
    socket.destroy();
    throw new CannotConnect(server, error);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Whether the server will encrypt. */
async function agrees(socket: Socket): Promise<boolean> {
  socket.write(SSL_REQUEST);
  const answer = String(await eventOf(socket, "data"));
  if (answer === YES) return true;
  if (answer === NO) return false;
  // More than one byte would be an injection before the encryption starts.
  throw new Error("it does not answer like a PostgreSQL server");
}

/** The first event of its kind. Rejects if the socket fails or ends before. */
function eventOf(socket: Socket, event: "connect" | "secureConnect" | "data"): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onEvent = (value: unknown) => settle(() => resolve(value));
    const onError = (error: unknown) => settle(() => reject(error as Error));
    const onClose = () => onError(new Error("the server closed the connection"));
    const settle = (done: () => void) => {
      socket.off(event, onEvent).off("error", onError).off("close", onClose);
      done();
    };
    socket.once(event, onEvent).once("error", onError).once("close", onClose);
  });
}

/** Rejects when the socket fails or closes. */
export function socketLost(socket: Socket): Promise<never> {
  const lost = new Promise<never>((_resolve, reject) => {
    socket.once("error", reject).once(
      "close",
      () => reject(new Error("the server closed the connection")),
    );
  });
  // A connection can be lost after its inspection succeeded.
  lost.catch(() => {});
  return lost;
}
