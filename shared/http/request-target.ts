import { isHostPort } from "./host-header.ts";

/** The server as a whole, which only OPTIONS can name. */
export const ASTERISK = "*";

const ABSOLUTE = /^https?:\/\/([^/?#]*)(.*)$/is;

/**
 * The path and query that a request line names, or {@link ASTERISK}; undefined when it names
 * neither (RFC 9112, 3.2). The path stays as it was sent.
 */
export function pathAndQuery(target: string, method: string): string | undefined {
  if (target.startsWith("/")) return target;
  if (target === ASTERISK) return method === "OPTIONS" ? ASTERISK : undefined;
  const [, authority = "", rest = ""] = ABSOLUTE.exec(target) ?? [];
  if (!isHostPort(authority)) return undefined;
  return rest.startsWith("/") ? rest : `/${rest}`;
}
