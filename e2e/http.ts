import { expectDescribed } from "./described.ts";

/** Above every deadline of the services; a request that takes longer hangs. */
const REQUEST_MAX_MS = 20_000;

export interface Sent {
  /** An object is sent as JSON; text and bytes as they are. */
  readonly body?: object | string | Uint8Array<ArrayBuffer> | undefined;
  /** The content type; null for none. JSON by default. */
  readonly type?: string | null | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** The JSON body for assertions; numbers above 2^53 are exact in `text` only. */
export interface Body {
  readonly [field: string]: unknown;
  readonly errors?: readonly { readonly path: string; readonly message: string }[];
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The JSON body; {} if there is none. */
  readonly body: Body;
}

/**
 * Sends one request to one of our services; `line` is verb and path, such as `GET
 * /user/1/cart/list`.
 * @throws {Error} if the response differs from the service's document
 */
export async function call(base: string, line: string, sent: Sent = {}): Promise<Answer> {
  const answer = await send(base, line, sent);
  const [method = "", path = ""] = line.split(" ");
  expectDescribed(method, path, answer);
  return answer;
}

/** Sends one request. */
export async function send(base: string, line: string, sent: Sent = {}): Promise<Answer> {
  const [method = "", path = ""] = line.split(" ");
  const response = await fetch(base + path, {
    method,
    signal: AbortSignal.timeout(REQUEST_MAX_MS),
    headers: { ...contentType(sent), ...sent.headers },
    ...sent.body !== undefined && { body: bytesOf(sent.body) },
  });
  const text = await response.text();
  const isJson = /[/+]json/.test(response.headers.get("content-type") ?? "");
  return {
    status: response.status,
    headers: response.headers,
    text,
    body: isJson && text !== "" ? JSON.parse(text) as Body : {},
  };
}

function contentType({ body, type }: Sent): Record<string, string> {
  if (type === null || (type === undefined && body === undefined)) return {};
  return { "content-type": type ?? "application/json" };
}

/** Bytes, because fetch sets a content type for text. */
function bytesOf(body: NonNullable<Sent["body"]>): Uint8Array<ArrayBuffer> {
  if (body instanceof Uint8Array) return body;
  return new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
}
