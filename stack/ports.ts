import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { formatHostPort, type HostPort } from "../shared/config.ts";

/**
 * Below what Linux gives to outgoing connections (32768…60999), so that none of those takes a port
 * between its choice and its use; above the ports that people and programs know.
 */
const FREE_PORTS = { from: 20_000, to: 32_767 } as const;
const TRIES_MAX = 100;

/** `count` different loopback ports that nothing listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  for (let tries = 0; found.size < count; tries++) {
    if (tries > TRIES_MAX + count) throw new Error(`Cannot find ${count} free ports`);
    const port = randomInt(FREE_PORTS.from, FREE_PORTS.to + 1);
    if (await isFree({ host: "127.0.0.1", port })) found.add(port);
  }
  return [...found];
}

/** Whether a server could listen on the address now. */
export function isFree(address: HostPort): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(new Error(`Cannot listen on ${formatHostPort(address)}`, { cause: error }));
    });
    server.listen(address.port, address.host, () => server.close(() => resolve(true)));
  });
}
