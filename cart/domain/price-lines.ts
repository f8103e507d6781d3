import { RequestContext } from "../../shared/async/request-context.ts";
import { TaskGroup } from "../../shared/async/task-group.ts";
import { AppError } from "../../shared/errors.ts";
import { deadlineAsUnavailable, type PricedLine } from "./cart.ts";
import type { CartLine, Deps } from "./deps.ts";

/**
 * The lines with names and prices, which are requested concurrently.
 * @throws {AppError} `unavailable` if a name or price is unavailable
 */
export async function priceLines(
  deps: Pick<Deps, "products">,
  lines: readonly CartLine[],
  context: RequestContext,
): Promise<PricedLine[]> {
  const items: PricedLine[] = [];
  const group = new TaskGroup();
  const { traceparent, clock } = context;
  const timeoutMs = context.remainingMs();
  const groupContext = new RequestContext({
    ...{ traceparent, timeoutMs, clock },
    // Read by a call of the product service; most products come from the cache.
    caller: {
      get signal() {
        return AbortSignal.any([group.signal, context.signal]);
      },
    },
  });
  lines.forEach((line, at) => {
    group.go(async () => {
      items[at] = await priceLine(deps, line, groupContext);
    });
  });
  try {
    await group.wait();
  } catch (error) {
    deadlineAsUnavailable("product service", error);
  } finally {
    groupContext.close();
  }
  return items;
}

async function priceLine(
  deps: Pick<Deps, "products">,
  line: CartLine,
  context: RequestContext,
): Promise<PricedLine> {
  const product = await deps.products.getProduct(line.sku, context);
  // It was a product when it was added. A total without it would be wrong.
  if (!product) throw new AppError("unavailable", `Sku ${line.sku} is not a product any more`);
  return { ...line, name: product.name, price: product.price };
}
