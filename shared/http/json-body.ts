import { AppError } from "../errors.ts";

/** Deeper than any request of ours; nested further, a recursive reader would run out of stack. */
export const JSON_DEPTH_MAX = 32;
/** No integer that we take has more digits than uint64; longer ones are slow to convert. */
const INTEGER_DIGITS_MAX = 20;
/** How much of a key a message repeats. */
const KEY_SHOWN_MAX = 50;
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

/** The keys of an open object; undefined for an open array. */
type Level = Set<string> | undefined;

/** What is wrong with the nesting or the keys of `text`, which need not be JSON. */
function findFlaw(text: string): string | undefined {
  const levels: Level[] = [];
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) === QUOTE) {
      const end = endOfString(text, at);
      const key = isKey(text, end) ? readKey(text.slice(at, end)) : undefined;
      if (key !== undefined && !addKey(levels.at(-1), key)) {
        return `has the key ${JSON.stringify(key.slice(0, KEY_SHOWN_MAX))} twice`;
      }
      at = end - 1;
    } else if (!nest(levels, text[at])) {
      return `is nested more than ${JSON_DEPTH_MAX} levels deep`;
    }
  }
  return undefined;
}

/** Follows a character into or out of a level; false when that goes too deep. */
function nest(levels: Level[], char: string | undefined): boolean {
  if (char === "{") levels.push(new Set());
  else if (char === "[") levels.push(undefined);
  else if (char === "}" || char === "]") levels.pop();
  return levels.length <= JSON_DEPTH_MAX;
}

/** False when the object has the key already. */
function addKey(level: Level, key: string): boolean {
  if (!level) return true;
  const isNew = !level.has(key);
  level.add(key);
  return isNew;
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
