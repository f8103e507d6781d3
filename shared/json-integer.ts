/** TypeScript's library does not know the proposal yet; both runtimes ship it. */
const rawJson = (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON;

/**
 * An int64 as JSON shows it: an integer with every digit, also above 2^53. The result is a plain
 * number where that is exact, and otherwise a value that only `JSON.stringify` understands.
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
