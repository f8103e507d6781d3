import type { Finding } from "./finding.ts";

/** What the product service allows in any one second. */
const CALLS_MAX = 10;
const ANSWER_MAX_MS = 5_000;

interface Stats {
  readonly calls: Readonly<Record<string, number>>;
  readonly max_in_any_second: number;
}

/** Never more than 10 calls in any second, as the stand-in has counted them. */
export async function checkProductCalls(productsUrl: string): Promise<Finding> {
  const answer = await fetch(`${productsUrl}/stats`, {
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
  if (answer.status === 404) {
    await answer.body?.cancel();
    const note = "not checked: this product service is no stand-in that counts";
    return { invariant: "product calls", checked: 0, of: "calls", violations: [], note };
  }
  const { calls, max_in_any_second: most } = await answer.json() as Stats;
  return {
    invariant: "product calls",
    checked: Object.values(calls).reduce((sum, each) => sum + each, 0),
    of: "calls",
    violations: most > CALLS_MAX
      ? [`${most} calls came in one second, and ${CALLS_MAX} are allowed`]
      : [],
  };
}
