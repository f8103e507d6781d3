/** What the warehouse holds of one SKU. */
export interface Stock {
  readonly totalCount: bigint;
  /** Of `totalCount`, how many belong to orders that await payment. */
  readonly reserved: bigint;
}

/** How many can be bought: never below 0, also where more is reserved than there is. */
export function available({ totalCount, reserved }: Stock): bigint {
  return totalCount > reserved ? totalCount - reserved : 0n;
}
