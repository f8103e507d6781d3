import type { CalledServer } from "../telemetry/called-server.ts";

const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export interface ProductServer extends CalledServer {
  /** Without credentials, and without a slash at the end. */
  readonly url: string;
}

/** How telemetry names the product service at that URL. */
export function productServer(text: string): ProductServer {
  const { protocol, host, hostname, port, pathname } = new URL(text);
  return {
    service: "products",
    address: hostname.replace(/^\[(.*)\]$/, "$1"),
    port: port === "" ? DEFAULT_PORT[protocol] ?? 0 : Number(port),
    url: `${protocol}//${host}${pathname.replace(/\/$/, "")}`,
  };
}
