import { createDirectFetch, splitCredentials } from "../../shared/http-client/direct-fetch.ts";
import type { Connection } from "./exact-integers.ts";

const fetch = createDirectFetch();

/**
 * The base URL of a client and its connection. The generated clients refuse a URL with credentials,
 * and print it, so the credentials are sent as a header.
 */
export function reach(text: string): [baseUrl: string, connection: Connection] {
  const { url, authorization } = splitCredentials(text);
  return [url.replace(/\/+$/, ""), { fetch, ...authorization && { headers: { authorization } } }];
}
