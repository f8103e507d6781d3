/** JSON with every digit of its integers: beyond 2^53 they become bigints. */
export function parseExact(text: string): unknown {
  return JSON.parse(text, (_key: string, value: unknown, context?: { source?: string }) => {
    const isRounded = typeof value === "number" && !Number.isSafeInteger(value);
    const source = context?.source ?? "";
    return isRounded && /^-?[0-9]+$/.test(source) ? BigInt(source) : value;
  });
}
