import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { formatHostPort, type HostPort } from "../shared/config.ts";

const HOST = "127.0.0.1";
/**
 * Below the range of outgoing connections on Linux (32768…60999), so that none of them takes a port
 * between its choice and its use; above well-known ports.
 */
const FREE_PORTS = { from: 20_000, to: 26_383 } as const;
/** The offset of the port with the listener that reserves a port. */
const CLAIM_ABOVE = 6_384;
const TRIES_MAX = 100;

/**
 * Returns `count` different free loopback ports. No other process gets them from this function
 * while this one lives, because their listeners may take seconds to start.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > TRIES_MAX) throw new Error(`Cannot find ${count} free ports`);
    const missing = Array.from({ length: count - found.size }, async () => {
      const port = randomInt(FREE_PORTS.from, FREE_PORTS.to + 1);
      if (await claim(port) && await isFree({ host: HOST, port })) found.add(port);
    });
    await Promise.all(missing);
  }
  return [...found];
}

/** Ends with the process. */
async function claim(port: number): Promise<boolean> {
  const server = await listen({ host: HOST, port: port + CLAIM_ABOVE });
  server?.unref();
  return server !== undefined;
}

/** The system's code for an unusable address; an address in use is not an error here. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "this machine has no such address",
  // The same on Deno.
  EINVAL: "this machine has no such address",
  EACCES: "permission is denied",
  ENOTFOUND: "there is no such host",
};

/** Whether a server could listen on the address now. */
export async function isFree(address: HostPort): Promise<boolean> {
  const server = await listen(address);
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A listener; undefined if the address is in use. */
function listen(address: HostPort): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(undefined);
      else reject(cannotListen(address, error));
    });
    server.listen(address.port, address.host, () => resolve(server));
  });
}

function cannotListen(address: HostPort, cause: NodeJS.ErrnoException): Error {
  const why = REASONS[cause.code ?? ""] ?? cause.message;
  return new Error(`Cannot listen on ${formatHostPort(address)}: ${why}`, { cause });
}
