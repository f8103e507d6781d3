import type { Finding } from "./finding.ts";

const NAME_WIDTH = 28;

/** A finding as text: its name, its state, what was counted, and each violation on its own line. */
export function describeFinding({ invariant, checked, of, violations, note }: Finding): string {
  const state = violations.length === 0 ? "ok    " : "BROKEN";
  const more = note === undefined ? "" : ` (${note})`;
  const line = `${invariant.padEnd(NAME_WIDTH)} ${state}  ${checked} ${of}${more}`;
  return [line, ...violations.map((violation) => `  ${violation}`)].join("\n");
}
