import type { Clock } from "../../shared/async/request-context.ts";
import type { Delivery } from "./delivery.ts";
import type { Ledger } from "./ledger.ts";
import { settle } from "./settle.ts";
import type { StockTransport } from "./stock-transport.ts";

export interface ClerkOptions {
  readonly stock: StockTransport;
  readonly ledger: Ledger;
  readonly clock: Clock;
}

/** Changes the stock, repeated until the outcome is known, and records the answer. */
export async function deliver(options: ClerkOptions, wanted: Delivery): Promise<void> {
  const { stock, ledger } = options;
  const { reference, twiceAtOnce, again } = wanted;
  const send = () => settle(`the change ${reference}`, () => stock.change(wanted), options);
  const answers = twiceAtOnce ? await Promise.all([send(), send()]) : [await send()];
  if (again) answers.push(await send());
  for (const answer of answers) {
    if (answer?.kind === "changed") ledger.stockChanged(reference, answer.totals);
    // The total may fall below the reserved units.
    else if (answer && answer.kind !== "below_reserved") {
      ledger.strange.push(`the change ${reference} was answered ${answer.why}`);
    }
  }
}
