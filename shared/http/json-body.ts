import { AppError } from "../errors.ts";

/** Deeper than any request of ours; nested further, a recursive reader would run out of stack. */
export const JSON_DEPTH_MAX = 32;
/** No integer that we take has more digits than uint64; longer ones are slow to convert. */
const INTEGER_DIGITS_MAX = 20;
const DIGITS = /^-?[1-9][0-9]*$|^0$/;

/** TypeScript's library does not know the proposal yet; both runtimes ship it. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a JSON body strictly. Integers above 2^53 become bigints. A number that is not written in
 * plain digits (1.0, 1e0, -0) becomes an object that no schema takes and that shows as it was
 * written. `__proto__` is an own property like any other.
 * @throws {AppError} `invalid_argument` for what is not UTF-8 or not JSON, for a duplicate key and
 * for more than {@link JSON_DEPTH_MAX} levels
 */
export function parseJsonBody(bytes: ArrayBuffer | Uint8Array): unknown {
  const text = decode(bytes);
  // JSON.parse keeps the last of two equal keys and says nothing (lossless-json lets them pass,
  // too, when their values are equal), and its reviver recurses: both are looked for beforehand.
  const flaw = findFlaw(text);
  if (flaw !== undefined) throw refused(flaw);
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw refused("must be JSON", error);
  }
}

function refused(message: string, cause?: unknown): AppError {
  return new AppError("invalid_argument", `The body ${message}`, {
    cause,
    fields: [{ path: "", message }],
  });
}

function decode(bytes: ArrayBuffer | Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (error) {
    throw refused("must be UTF-8", error);
  }
}

function revive(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const { source = "" } = context;
  if (!DIGITS.test(source) || source.length > INTEGER_DIGITS_MAX) return rawJson(source);
  return Number.isSafeInteger(value) ? value : BigInt(source);
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** What is wrong with the nesting or the keys of `text`, which need not be JSON. */
function findFlaw(text: string): string | undefined {
  /** The keys of each open object; undefined for an open array. */
  const open: (Set<string> | undefined)[] = [];
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === "{") open.push(new Set());
    else if (char === "[") open.push(undefined);
    else if (char === "}" || char === "]") open.pop();
    else if (char === '"') {
      const end = endOfString(text, at);
      const key = isKey(text, end) ? readKey(text.slice(at, end)) : undefined;
      if (key !== undefined && open.at(-1)?.has(key)) {
        return `has the key ${JSON.stringify(key.slice(0, 50))} twice`;
      }
      if (key !== undefined) open.at(-1)?.add(key);
      at = end - 1;
    }
    if (open.length > JSON_DEPTH_MAX) return `is nested more than ${JSON_DEPTH_MAX} levels deep`;
  }
  return undefined;
}

/** The place after the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at + 1;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}

const COLON_NEXT = /[ \t\r\n]*:/y;

function isKey(text: string, end: number): boolean {
  COLON_NEXT.lastIndex = end;
  return COLON_NEXT.test(text);
}

/** The key that the quoted text writes: "\u0061" and "a" are one. */
function readKey(quoted: string): string | undefined {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted) as string;
  } catch {
    // Not JSON: the parser will say so.
    return undefined;
  }
}
