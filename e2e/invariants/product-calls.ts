import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import type { Finding } from "./finding.ts";

/** The limit of the product service per client, in any one second. */
const CALLS_MAX = 10;
const ANSWER_MAX_MS = 5_000;
/**
 * The user agent of cart, without its version; other clients may call at the same time.
 */
const CART = /^marketplace-cart\//;

interface Counts {
  readonly calls: Readonly<Record<string, number>>;
  readonly max_in_any_second: number;
}

interface Stats extends Counts {
  readonly clients: readonly (Counts & { readonly user_agent: string })[];
}

const directFetch = createDirectFetch();

/** Cart makes at most 10 calls in any second, as counted by the stand-in. */
export async function checkProductCalls(productsUrl: string): Promise<Finding> {
  const answer = await directFetch(`${productsUrl.replace(/\/+$/, "")}/stats`, {
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
  if (answer.status !== 200) {
    await answer.body?.cancel();
    const note = "not checked: this product service is not the stand-in, which counts calls";
    return { invariant: "product calls", checked: 0, of: "calls", violations: [], note };
  }
  const { calls, clients } = await answer.json() as Stats;
  const carts = clients.filter(({ user_agent }) => CART.test(user_agent));
  const checked = carts.reduce((sum, cart) => sum + callsOf(cart), 0);
  const others = callsOf({ calls }) - checked;
  return {
    invariant: "product calls",
    checked,
    of: "calls of cart",
    violations: carts.filter(({ max_in_any_second: most }) => most > CALLS_MAX).map((cart) =>
      `${cart.max_in_any_second} calls of ${cart.user_agent} came in one second, ` +
      `and ${CALLS_MAX} are allowed`
    ),
    ...others > 0 && { note: `other clients made ${others} calls, to which no limit applies` },
  };
}

/** Resets the counters of the stand-in. */
export async function forgetProductCalls(productsUrl: string): Promise<void> {
  await directFetch(`${productsUrl}/stats`, {
    method: "DELETE",
    signal: AbortSignal.timeout(ANSWER_MAX_MS),
  });
}

function callsOf({ calls }: Pick<Counts, "calls">): number {
  return Object.values(calls).reduce((sum, each) => sum + each, 0);
}
