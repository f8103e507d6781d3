import { type Clock, sleep } from "../../shared/async/request-context.ts";
import type { Ledger } from "./ledger.ts";

/** Between tries of a write whose outcome is unknown. */
const RETRY_MS = 150;
/** A restarted stack is ready within seconds; a write that is not settled by then is lost. */
const SETTLED_WITHIN_MS = 90_000;

interface Unknown {
  readonly kind: "unknown";
  readonly why: string;
}

export type Settled<Answer> = Exclude<Answer, { readonly kind: "unknown" }>;

/**
 * Repeats a write until its outcome is known.
 * @returns undefined if it stays unknown, which is recorded
 */
export async function settle<Answer extends { readonly kind: string } | Unknown>(
  what: string,
  send: () => Promise<Answer>,
  { clock, ledger }: { readonly clock: Clock; readonly ledger: Pick<Ledger, "strange"> },
): Promise<Settled<Answer> | undefined> {
  const deadline = clock.now() + SETTLED_WITHIN_MS;
  for (;;) {
    const answer = await send();
    if (answer.kind !== "unknown") return answer as Settled<Answer>;
    if (clock.now() > deadline) {
      ledger.strange.push(`${what} is never settled: ${(answer as Unknown).why}`);
      return undefined;
    }
    await sleep(clock, RETRY_MS);
  }
}
