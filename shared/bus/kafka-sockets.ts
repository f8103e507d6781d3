import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";
import type { ISocketFactory } from "kafkajs";

const KEEP_ALIVE_DELAY_MS = 60_000;

/**
 * The brokers in a form that kafkajs 2.2.4 can read: it takes what stands before the first colon for
 * the host, so an IPv6 address hides its colons until {@link openSocket} sees it.
 */
export function withoutColons(brokers: readonly string[]): string[] {
  return brokers.map((broker) =>
    broker.replace(/^\[.*\]/, (address) => address.replaceAll(":", "_"))
  );
}

/** As kafkajs' own, for the hosts of {@link withoutColons}, too. */
export const openSocket: ISocketFactory = ({ host: given, port, ssl, onConnect }) => {
  const host = given.startsWith("[") ? given.slice(1, -1).replaceAll("_", ":") : given;
  const name = isIP(host) === 0 ? { servername: host } : {};
  const socket = ssl
    ? connectTls({ host, port, ...name, ...ssl }, onConnect)
    : connect({ host, port }, onConnect);
  socket.setKeepAlive(true, KEEP_ALIVE_DELAY_MS);
  return socket;
};
