import { randomInt } from "node:crypto";
import { createServer, type Server } from "node:net";
import { formatHostPort, type HostPort } from "../shared/config.ts";

const HOST = "127.0.0.1";
/**
 * Below what Linux gives to outgoing connections (32768…60999), so that none of those takes a port
 * between its choice and its use; above the ports that people and programs know.
 */
const FREE_PORTS = { from: 20_000, to: 26_383 } as const;
/** As far above a port lies the one whose listener says that it is given away. */
const CLAIM_ABOVE = 6_384;
const TRIES_MAX = 100;

/**
 * `count` different loopback ports that nothing listens on, and that no other process gets from
 * here while this one lives: what is to listen there may take seconds to start.
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

/** Ends with the process, however that ends. */
async function claim(port: number): Promise<boolean> {
  const server = await listen({ host: HOST, port: port + CLAIM_ABOVE });
  server?.unref();
  return server !== undefined;
}

/** Why an address cannot be listened on, by the system's code; taken is no error here. */
const REASONS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "this machine has no such address",
  // The same on Deno.
  EINVAL: "this machine has no such address",
  EACCES: "there is no right to listen there",
  ENOTFOUND: "there is no such host",
};

/** Whether a server could listen on the address now. */
export async function isFree(address: HostPort): Promise<boolean> {
  const server = await listen(address);
  if (!server) return false;
  await new Promise((resolve) => server.close(resolve));
  return true;
}

/** A listener; none when the address is taken. */
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
