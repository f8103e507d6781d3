import { isIPv6 } from "node:net";

/** Nearly every Host; what else the grammar allows takes the longer way. */
const PLAIN = /^[A-Za-z0-9.-]+(?::[0-9]*)?$/;
/** `uri-host [":" port]` of RFC 9110, 7.2, for a name or an IPv4 address (`reg-name`, RFC 3986). */
const NAMED = /^(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+(?::[0-9]*)?$/;
const BRACKETED =
  /^\[([0-9A-Fa-f:.]+|[vV][0-9A-Fa-f]+\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\](?::[0-9]*)?$/;

/** Whether `text` is a host with or without a port. An empty port is allowed, an empty host is not. */
export function isHostPort(text: string): boolean {
  if (PLAIN.test(text) || NAMED.test(text)) return true;
  const address = BRACKETED.exec(text)?.[1];
  return address !== undefined && (/^v/i.test(address) || isIPv6(address));
}

/**
 * What is wrong with the Host lines of a request, RFC 9112, 3.2; undefined when nothing is.
 * `rawHeaders` alternates names and values, as node:http has them. An empty Host is legal: the
 * client's URI has no host. HTTP/1.0 knows no Host.
 */
export function hostFault(
  rawHeaders: readonly string[],
  httpVersion: string,
): string | undefined {
  let host: string | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] as string;
    if (name.length !== 4 || name.toLowerCase() !== "host") continue;
    if (host !== undefined) return "The request has more than one Host";
    host = rawHeaders[at + 1] as string;
  }
  if (host === undefined) return httpVersion === "1.0" ? undefined : "The request has no Host";
  if (host === "" || isHostPort(host)) return undefined;
  return "The Host is not a host with or without a port";
}

/** The host of `host[:port]`, in lower case, an IPv6 address in its brackets. */
export function hostOf(hostPort: string): string {
  return hostPort.replace(/:[0-9]*$/, "").toLowerCase();
}
