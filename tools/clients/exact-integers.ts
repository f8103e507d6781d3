/*
 * The generated clients show every int64 as a bigint, but read answers with JSON.parse, which
 * rounds integers above 2^53. So this passes such an integer as a string, which the generated code
 * converts to a bigint with every digit.
 */

/** Strings, so that digits in them are skipped; and integers that JSON.parse may round. */
const STRING_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|-?[0-9]{16,}/g;

type Fetch = typeof globalThis.fetch;

/** Options of a client. */
export interface Connection {
  readonly fetch?: Fetch;
  /** Sent with every request. */
  readonly headers?: Record<string, string>;
}

/**
 * The configuration of our clients; the generated ones call it for their defaults. Requests use the
 * configured `fetch`, or the runtime's.
 */
export function createClientConfig<Config extends object>(
  config?: Config & { readonly fetch?: Fetch | undefined },
) {
  const send: Fetch = config?.fetch ?? ((...request) => globalThis.fetch(...request));
  return { ...config as Config, fetch: exactFetch(send), bodySerializer: exactBody };
}

function exactFetch(send: Fetch): Fetch {
  return async (...request) => {
    const answer = await send(...request);
    if (!/[/+]json\b/.test(answer.headers.get("content-type") ?? "")) return answer;
    const { status, statusText, headers } = answer;
    return new Response(quoteLongIntegers(await answer.text()), { status, statusText, headers });
  };
}

function quoteLongIntegers(json: string): string {
  return json.replaceAll(
    STRING_OR_LONG_INTEGER,
    (found) => found.startsWith('"') ? found : `"${found}"`,
  );
}

/** Not in TypeScript's library yet; both runtimes and browsers have it. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/** Bigints as JSON integers with every digit. */
function exactBody(body: unknown): string {
  return JSON.stringify(
    body,
    (_key, value: unknown) => typeof value === "bigint" ? rawJson(String(value)) : value,
  );
}

/** The bigint fields of a problem. */
const PROBLEM_INTEGERS = new Set(["order_id", "sku", "available", "total_price", "price"]);

/**
 * Converts a problem's fields to the bigints of its type, because the generated code does not
 * convert errors.
 */
export function exactProblem(error: unknown): unknown {
  const holdsIntegers = typeof error === "object" && error !== null &&
    ("order_id" in error || "total_price" in error);
  if (!holdsIntegers) return error;
  return JSON.parse(
    JSON.stringify(error),
    (key, value: number | string) => PROBLEM_INTEGERS.has(key) ? BigInt(value) : value,
  );
}
