import { type Clock, sleep } from "../../shared/async/request-context.ts";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";
import { SKUS } from "./purchase.ts";
import type { Random } from "./random.ts";

const PAUSE_MS = 200;
const PRICE_MAX = 5_000;
/** The stand-in may be down. */
const REQUEST_MAX_MS = 1_000;

/** Changes the prices of products one after the other until it is stopped. */
export function startPriceChanges(productsUrl: string, random: Random, clock: Clock) {
  const directFetch = createDirectFetch();
  const stopping = new AbortController();
  async function change(): Promise<void> {
    const sku = SKUS[random.integer(0, SKUS.length - 1)];
    await directFetch(`${productsUrl}/products/${sku}`, {
      method: "PUT",
      body: JSON.stringify({ price: random.integer(0, PRICE_MAX) }),
      signal: AbortSignal.timeout(REQUEST_MAX_MS),
    }).catch(() => undefined);
  }
  const changing = (async () => {
    while (!stopping.signal.aborted) {
      await change();
      await sleep(clock, PAUSE_MS, stopping.signal).catch(() => {});
    }
  })();
  return {
    async stop(): Promise<void> {
      stopping.abort();
      await changing;
    },
  };
}
