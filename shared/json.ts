import { AppError } from "./errors.ts";

/**
 * Deeper than any of our requests; deeper nesting could overflow the stack of a recursive reader.
 */
export const JSON_DEPTH_MAX = 32;
/** The digits of uint64, the largest integer in a request; longer ones are slow to convert. */
const INTEGER_DIGITS_MAX = 20;
/** The length of a key in an error message. */
const KEY_SHOWN_MAX = 50;
/** Whether the text may have a number that JSON.parse would round or normalize; most have none. */
const UNUSUAL_NUMBER = /[0-9][.eE]|-0|[0-9]{16}/;
const DIGITS = /^-?[1-9][0-9]*$|^0$/;

/** Not in TypeScript's library yet; both runtimes have it. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * An int64 as an integer of JSON, with every digit, also above 2^53. The result is a number if that
 * is exact, otherwise a value that only `JSON.stringify` understands.
 */
export function jsonInteger(value: bigint | number): number {
  const asNumber = Number(value);
  if (Number.isSafeInteger(asNumber)) return asNumber;
  return rawJson(String(value)) as number;
}

/** A replacer for `JSON.stringify` that writes bigints as {@link jsonInteger} does. */
export function jsonIntegers(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? jsonInteger(value) : value;
}

/**
 * Reads a JSON body strictly, with numbers as in {@link parseJson}. `__proto__` is an ordinary own
 * property.
 * @throws {AppError} `invalid_argument` for invalid UTF-8 or JSON, for a duplicate key and for more
 * than {@link JSON_DEPTH_MAX} levels
 */
export function parseJsonBody(bytes: ArrayBuffer | Uint8Array): unknown {
  const text = decode(bytes);
  // JSON.parse silently keeps the last of two equal keys (lossless-json accepts them if their
  // values are equal), and its reviver recurses. So keys and depth are checked first.
  const flaw = findFlaw(text);
  if (flaw !== undefined) throw refused(flaw);
  try {
    return parseJson(text);
  } catch (error) {
    throw refused("must be JSON", error);
  }
}

/**
 * `JSON.parse` that reads integers above 2^53 as bigints. A number that is not written in plain
 * digits (1.0, 1e0, -0) becomes an object that no schema accepts and that prints as it was written.
 * @throws {SyntaxError} for invalid JSON
 */
export function parseJson(text: string): unknown {
  if (!UNUSUAL_NUMBER.test(text)) return JSON.parse(text);
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
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

/**
 * A string with the colon that makes it a key, or a bracket. An unterminated string extends to the
 * end of the text, so that the time is linear in its length.
 */
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*(?:"([ \t\r\n]*:)?)?|[[\]{}]/gs;

/** The error in the nesting or the keys of `text`, which need not be JSON. */
function findFlaw(text: string): string | undefined {
  /** The keys of each open object or array. */
  const levels: Set<string>[] = [];
  TOKENS.lastIndex = 0;
  for (let found; (found = TOKENS.exec(text));) {
    const [token, colon] = found;
    if (token === "{" || token === "[") {
      if (levels.push(new Set()) > JSON_DEPTH_MAX) {
        return `is nested more than ${JSON_DEPTH_MAX} levels deep`;
      }
    } else if (token === "}" || token === "]") levels.pop();
    else if (colon !== undefined) {
      const key = readKey(token.slice(0, -colon.length));
      const keys = levels.at(-1) ?? new Set();
      if (keys.size === keys.add(key).size) {
        return `has the key ${JSON.stringify(key.slice(0, KEY_SHOWN_MAX))} twice`;
      }
    }
  }
  return undefined;
}

/** The decoded key between two quotes: "\u0061" and "a" are equal. */
function readKey(quoted: string): string {
  try {
    return quoted.includes("\\") ? JSON.parse(quoted) as string : quoted.slice(1, -1);
  } catch {
    // Not JSON: the parser rejects it.
    return quoted;
  }
}
