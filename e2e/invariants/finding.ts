/** The result of checking one invariant. */
export interface Finding {
  readonly invariant: string;
  /** How many of `of` were checked. */
  readonly checked: number;
  /** "orders", "SKUs". */
  readonly of: string;
  /** One sentence each, with the order or SKU and the values; at most 20 of a kind. */
  readonly violations: readonly string[];
  /** A remark on allowed irregularities, or why nothing was checked. */
  readonly note?: string;
}

/** Violations of one kind that are reported; the first ones show the problem. */
export const VIOLATIONS_MAX = 20;

/** The violated invariants. */
export function broken(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ violations }) => violations.length > 0);
}

/** Every violation after the name of its invariant, one per line. */
export function listViolations(findings: readonly Finding[]): string {
  return findings.flatMap(({ invariant, violations }) =>
    violations.map((violation) => `${invariant}: ${violation}`)
  ).join("\n");
}
