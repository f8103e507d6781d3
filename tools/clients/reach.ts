import { createDirectFetch, splitCredentials } from "../../shared/http-client/direct-fetch.ts";
import type { Connection } from "./exact-integers.ts";

const fetch = createDirectFetch();

/**
 * The base URL of a client and its connection: the generated ones refuse a URL with credentials,
 * and show it, so these go as a header.
 */
export function reach(text: string): [baseUrl: string, connection: Connection] {
  const { url, authorization } = splitCredentials(text);
  return [url.replace(/\/+$/, ""), { fetch, ...authorization && { headers: { authorization } } }];
}
