/** Names that a browser on this machine may write for one and the same listener. */
const LOOPBACK = ["localhost", "127.0.0.1"];

/** The origins at which a browser finds what listens at `url`, as the setting that names them. */
export function originsOf(url: string): string {
  const { hostname } = new URL(url);
  const names = LOOPBACK.includes(hostname) ? LOOPBACK : [hostname];
  return names.map((name) => {
    const named = new URL(url);
    named.hostname = name;
    return named.origin;
  }).join(",");
}
