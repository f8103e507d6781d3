import { AppError } from "../errors.ts";

/** Deeper than any request of ours; nested further, a recursive reader would run out of stack. */
export const JSON_DEPTH_MAX = 32;
/** The digits of uint64, the largest integer in a request; longer ones are slow to convert. */
const INTEGER_DIGITS_MAX = 20;
/** The length of a key in an error message. */
const KEY_SHOWN_MAX = 50;
/** May hold a number that JSON.parse would round or smooth; most bodies hold none. */
const UNUSUAL_NUMBER = /[0-9][.eE]|-0|[0-9]{16}/;
const DIGITS = /^-?[1-9][0-9]*$|^0$/;

/** Not in TypeScript's library yet; both runtimes have it. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Reads a JSON body strictly. Integers above 2^53 become bigints. A number that is not written in
 * plain digits (1.0, 1e0, -0) becomes an object that no schema accepts and that is shown as it was
 * written. `__proto__` is an own property like any other.
 * @throws {AppError} `invalid_argument` for what is not UTF-8 or not JSON, for a duplicate key and
 * for more than {@link JSON_DEPTH_MAX} levels
 */
export function parseJsonBody(bytes: ArrayBuffer | Uint8Array): unknown {
  const text = decode(bytes);
  // JSON.parse silently keeps the last of two equal keys (lossless-json accepts them when their
  // values are equal), and its reviver recurses: both are checked before.
  const flaw = findFlaw(text);
  if (flaw !== undefined) throw refused(flaw);
  try {
    if (!UNUSUAL_NUMBER.test(text)) return JSON.parse(text);
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
const OPENING_BRACKET = 0x5b;
const BACKSLASH = 0x5c;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
/** Up to this many keys a list is faster than a set. */
const KEYS_LISTED_MAX = 16;

/** The keys of an open object; undefined for an open array. */
type Level = string[] | Set<string> | undefined;

/** What is wrong with the nesting or the keys of `text`, which need not be JSON. */
function findFlaw(text: string): string | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      const end = endOfString(text, at);
      const key = isKey(text, end) ? readKey(text, at, end) : undefined;
      if (key !== undefined && !addKey(levels, key)) {
        return `has the key ${JSON.stringify(key.slice(0, KEY_SHOWN_MAX))} twice`;
      }
      at = end - 1;
    } else if (code >= OPENING_BRACKET && !nest(levels, code)) {
      return `is nested more than ${JSON_DEPTH_MAX} levels deep`;
    }
  }
  return undefined;
}

/** Follows a character into or out of a level; false when that goes too deep. */
function nest(levels: Level[], code: number): boolean {
  if (code === OPENING_BRACE) levels.push([]);
  else if (code === OPENING_BRACKET) levels.push(undefined);
  else if (code === CLOSING_BRACE || code === CLOSING_BRACKET) levels.pop();
  return levels.length <= JSON_DEPTH_MAX;
}

/** False when the object has the key already. */
function addKey(levels: Level[], key: string): boolean {
  const level = levels.at(-1);
  if (level instanceof Set) return level.size < level.add(key).size;
  if (level?.includes(key)) return false;
  level?.push(key);
  if (level?.length === KEYS_LISTED_MAX) levels[levels.length - 1] = new Set(level);
  return true;
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

const COLON = 0x3a;
const SPACE = 0x20;

/** Whether a colon follows, after white space or control characters, which the parser rejects. */
function isKey(text: string, end: number): boolean {
  let at = end;
  while (text.charCodeAt(at) <= SPACE) at++;
  return text.charCodeAt(at) === COLON;
}

/** The key written between two quotes: "\u0061" and "a" are one. */
function readKey(text: string, start: number, end: number): string | undefined {
  const key = text.slice(start + 1, end - 1);
  if (!key.includes("\\")) return key;
  try {
    return JSON.parse(text.slice(start, end)) as string;
  } catch {
    // Not JSON: the parser rejects it.
    return undefined;
  }
}
