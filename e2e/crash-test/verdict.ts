import { broken, type Finding } from "../invariants/finding.ts";
import { BOUGHT_ONCE } from "./bought-once.ts";
import type { Ledger } from "./ledger.ts";

/** The result of a run. Each list contains sentences. */
export interface Verdict {
  readonly acknowledged: number;
  readonly kills: number;
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  readonly broken: readonly string[];
}

/** What the violation of an invariant means for buyers. */
function meaning({ invariant }: Finding): "lost" | "doubled" | "broken" {
  if (["reported", "stock changes", BOUGHT_ONCE].includes(invariant)) return "doubled";
  return /^(acknowledged|changes|orders) on /.test(invariant) ? "lost" : "broken";
}

export function judge(
  ledger: Pick<Ledger, "acknowledged" | "lost" | "doubled" | "strange">,
  findings: readonly Finding[],
  kills: number,
): Verdict {
  const sentences = (wanted: ReturnType<typeof meaning>) =>
    broken(findings).filter((finding) => meaning(finding) === wanted)
      .flatMap(({ invariant, violations }) => violations.map((each) => `${invariant}: ${each}`));
  return {
    acknowledged: ledger.acknowledged,
    kills,
    lost: [...ledger.lost, ...sentences("lost")],
    doubled: [...ledger.doubled, ...sentences("doubled")],
    broken: [...ledger.strange, ...sentences("broken")],
  };
}

export function holds({ lost, doubled, broken }: Verdict): boolean {
  return lost.length + doubled.length + broken.length === 0;
}

/** The problems, one sentence per line, and the closing line. */
export function describeVerdict(verdict: Verdict): string {
  const { acknowledged, kills, lost, doubled, broken } = verdict;
  return [
    ...lost.map((sentence) => `lost: ${sentence}`),
    ...doubled.map((sentence) => `doubled: ${sentence}`),
    ...broken.map((sentence) => `broken: ${sentence}`),
    `crash-test: ${acknowledged} acknowledged, ${kills} kills, ${lost.length} lost, ` +
    `${doubled.length} doubled, ${broken.length} invariants broken`,
  ].join("\n");
}
