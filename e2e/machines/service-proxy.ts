import { freePorts } from "../../stack/ports.ts";
import { eventually } from "../eventually.ts";
import { type Haproxy, startHaproxy } from "../haproxy.ts";

/** The addresses of one process of a service, as host:port. */
export interface Listeners {
  readonly http: string;
  readonly grpc: string;
  /** Of loms only. */
  readonly admin: string | undefined;
}

/** HAProxy in front of several processes of cart and of loms. */
export interface ServiceProxy extends Haproxy {
  /** Without a slash at the end. */
  readonly cart: string;
  readonly loms: string;
  readonly lomsAdmin: string;
  /** host:port. */
  readonly lomsGrpc: string;
}

/**
 * Starts it: each request and each gRPC call goes to a process whose /readyz is 200. A service that
 * stops keeps its listeners open for 250 ms, so the interval of the checks is shorter. The services
 * may start later.
 */
export async function startServiceProxy(
  haproxy: string,
  { cart, loms }: { readonly cart: readonly Listeners[]; readonly loms: readonly Listeners[] },
): Promise<ServiceProxy> {
  const [cartPort = 0, lomsPort = 0, adminPort = 0, grpcPort = 0] = await freePorts(4);
  const proxy = await startHaproxy(
    haproxy,
    DEFAULTS +
      listen("cart", cartPort, cart.map(({ http }) => `${http} check`)) +
      BY_USER +
      listen("loms", lomsPort, loms.map(({ http }) => `${http} check`)) +
      listen(
        "loms_admin",
        adminPort,
        loms.map(({ http, admin }) => `${admin} check port ${portOf(http)}`),
      ) +
      listen(
        "loms_grpc",
        grpcPort,
        loms.map(({ http, grpc }) => `${grpc} proto h2 check port ${portOf(http)} check-proto h1`),
        " proto h2",
      ),
  );
  return {
    ...proxy,
    cart: `http://127.0.0.1:${cartPort}`,
    loms: `http://127.0.0.1:${lomsPort}`,
    lomsAdmin: `http://127.0.0.1:${adminPort}`,
    lomsGrpc: `127.0.0.1:${grpcPort}`,
  };
}

/** Waits until HAProxy has found a process of each service. */
export async function untilProxied({ cart, loms }: ServiceProxy): Promise<void> {
  for (const url of [cart, loms]) {
    await eventually(async () => {
      const { status } = await fetch(`${url}/readyz`);
      if (status !== 200) throw new Error(`HAProxy finds no process for ${url}`);
    });
  }
}

const DEFAULTS = `
defaults
  mode http
  balance leastconn
  timeout http-request 10s
  timeout connect 1s
  timeout client 75s
  timeout server 75s
  timeout check 1s
  retries 3
  option redispatch 1
  retry-on conn-failure
  option httpchk GET /readyz
  default-server inter 100ms fall 1 rise 1
`;

/** The carts of a user go to one process: the prices that a process has cached may differ. */
const BY_USER = "  balance uri path-only depth 3\n  hash-type consistent\n";

function listen(name: string, port: number, servers: readonly string[], bind = ""): string {
  const lines = servers.map((server, index) => `  server ${name}${index + 1} ${server}`);
  return `listen ${name}\n  bind 127.0.0.1:${port}${bind}\n${lines.join("\n")}\n`;
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(":") + 1);
}
