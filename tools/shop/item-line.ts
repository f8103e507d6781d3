/** Enough for any uint32. */
const SKU_WIDTH = 12;
const MIDDLE_WIDTH = 14;

/** One line of a list: a SKU, what there is to say of its number, its name. */
export function itemLine(sku: bigint | number, middle: string, name: string): string {
  return `  ${String(sku).padEnd(SKU_WIDTH)}${middle.padEnd(MIDDLE_WIDTH)}${name}`.trimEnd();
}
