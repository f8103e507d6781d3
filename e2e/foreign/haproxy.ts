import { reachable } from "../../shared/config.ts";
import { freePorts } from "../../stack/ports.ts";
import { eventually } from "../eventually.ts";
import { type Haproxy, startHaproxy } from "../haproxy.ts";
import type { Programs } from "./programs.ts";

export interface Proxy extends Haproxy {
  /** Without a trailing slash. */
  readonly url: string;
}

/**
 * HAProxy that serves `services` under `/shop/NAME`, with and without a slash at the end, and
 * removes the prefix. Its health check is the default one, OPTIONS over HTTP/1.0.
 */
export async function startPathProxy(
  { haproxy }: Programs,
  services: Readonly<Record<string, string>>,
): Promise<Proxy> {
  const [port] = await freePorts(1);
  const address = reachable({ host: "127.0.0.1", port: Number(port) });
  const running = await startHaproxy(haproxy, configuration(address, services));
  const [name = ""] = Object.keys(services);
  const url = `http://${address}`;
  await eventually(async () => {
    const answer = await fetch(`${url}/shop/${name}/healthz`).catch(() => undefined);
    if (answer?.status !== 200) throw new Error(`HAProxy does not reach ${name}`);
  });
  return { ...running, url };
}

function configuration(address: string, services: Readonly<Record<string, string>>): string {
  const names = Object.keys(services);
  const routes = names.map((name) =>
    `  use_backend ${name} if { path /shop/${name} } or { path_beg /shop/${name}/ }`
  );
  const backends = names.map((name) => `
backend ${name}
  option httpchk
  http-request replace-path ^/shop/${name}/?(.*) /\\1
  server only ${new URL(services[name] ?? "").host} check inter 200ms
`);
  return `
defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend shop
  bind ${address}
${routes.join("\n")}
${backends.join("")}`;
}
