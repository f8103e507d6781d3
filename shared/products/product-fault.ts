export interface ProductFaultFacts {
  readonly cause?: unknown;
  /** Whether the same call may succeed later. */
  readonly passing: boolean;
  /** How long the product service asked to be left alone, in ms. */
  readonly retryAfterMs?: number | undefined;
}

/** A call to the product service that came to nothing. It repeats nothing of what was sent. */
export class ProductFault extends Error {
  override readonly name = "ProductFault";
  readonly passing: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(message: string, facts: ProductFaultFacts) {
    super(message, "cause" in facts ? { cause: facts.cause } : undefined);
    this.passing = facts.passing;
    this.retryAfterMs = facts.retryAfterMs;
  }
}
