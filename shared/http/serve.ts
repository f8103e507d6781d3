import { formatHostPort, type HostPort, reachable } from "../config.ts";
import { openListener } from "./listen.ts";

/** Answers one request; `env` is what the listener passes along. */
export type Fetch = (request: Request, env?: object) => Response | Promise<Response>;

export interface HttpServer {
  /** Where it can be reached from this machine, without a slash at the end. */
  readonly url: string;
  /** The port it listens on; a free one when 0 was asked for. */
  readonly port: number;
  /**
   * Takes no new connection, closes idle ones, lets requests in flight finish. Those that have not
   * after `graceMs` are cut off.
   */
  close(graceMs: number): Promise<void>;
}

/** A listening socket. */
export interface Listener {
  readonly port: number;
  close(graceMs: number): Promise<void>;
}

/** An address that could not be listened on. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/**
 * Serves `fetch` on the address.
 * @throws {ListenError} naming the address, when it is taken or not allowed
 */
export async function serve(fetch: Fetch, address: HostPort): Promise<HttpServer> {
  let listener: Listener;
  try {
    listener = await openListener(fetch, address);
  } catch (error) {
    throw listenError(error, address);
  }
  const { port } = listener;
  const url = `http://${reachable({ host: address.host, port })}`;
  return { url, port, close: (graceMs) => listener.close(graceMs) };
}

function listenError(cause: unknown, address: HostPort): ListenError {
  const at = formatHostPort(address);
  const { code, name } = cause as { code?: string; name?: string };
  const taken = code === "EADDRINUSE" || name === "AddrInUse";
  const why = taken
    ? "another process listens there"
    : cause instanceof Error
    ? cause.message
    : String(cause);
  return new ListenError(`Cannot listen on ${at}: ${why}`, { cause });
}
