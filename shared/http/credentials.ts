import { Buffer } from "node:buffer";

export interface UrlParts {
  /** Without user and password. */
  readonly url: string;
  /** For the header of that name; undefined when the URL held no credentials. */
  readonly authorization?: string;
}

/** Takes user and password out of a URL, as Basic authorization in UTF-8 (RFC 7617). */
export function splitCredentials(text: string): UrlParts {
  const url = new URL(text);
  const { username, password } = url;
  if (username === "" && password === "") return { url: text };
  url.username = "";
  url.password = "";
  const pair = `${decode(username)}:${decode(password)}`;
  return { url: url.href, authorization: `Basic ${Buffer.from(pair).toString("base64")}` };
}

/** A URL may hold a `%` that escapes nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
