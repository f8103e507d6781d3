/** One invariant after it was looked at. */
export interface Finding {
  readonly invariant: string;
  /** How many of `of` were looked at. */
  readonly checked: number;
  /** "orders", "SKUs". */
  readonly of: string;
  /** One sentence each, with the order or SKU and the values; at most 20 of a kind. */
  readonly violations: readonly string[];
  /** What is allowed and worth knowing, or why nothing was checked. */
  readonly note?: string;
}

/** Violations of one kind that are reported; the first ones show what is wrong. */
export const VIOLATIONS_MAX = 20;

/** The invariants that do not hold. */
export function broken(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ violations }) => violations.length > 0);
}

/** Every violation behind the name of its invariant, one a line. */
export function tellViolations(findings: readonly Finding[]): string {
  return findings.flatMap(({ invariant, violations }) =>
    violations.map((violation) => `${invariant}: ${violation}`)
  ).join("\n");
}
