import { RequestContext } from "../../shared/async/request-context.ts";
import { TaskGroup } from "../../shared/async/task-group.ts";
import { AppError } from "../../shared/errors.ts";
import { deadlineAsUnavailable, emptyCart, type PricedLine, totalPrice } from "./cart.ts";
import type { CartLine, Deps } from "./deps.ts";

export interface ListedCart {
  /** Ascending by SKU. */
  readonly items: readonly PricedLine[];
  readonly totalPrice: bigint;
}

/**
 * The cart with names and prices, which are requested concurrently.
 * @throws {AppError} `not_found` when the cart is empty; `unavailable` when a name or price is
 * missing
 */
export async function listCart(
  deps: Pick<Deps, "carts" | "products">,
  { userId }: { readonly userId: bigint },
  context: RequestContext,
): Promise<ListedCart> {
  const lines = await deps.carts.listCart(userId);
  if (lines.length === 0) throw emptyCart(userId);
  const items = await priceLines(deps, lines, context)
    .catch((error) => deadlineAsUnavailable("product service", error));
  return { items, totalPrice: totalPrice(items) };
}

async function priceLines(
  deps: Pick<Deps, "products">,
  lines: readonly CartLine[],
  context: RequestContext,
): Promise<PricedLine[]> {
  const items: PricedLine[] = [];
  const group = new TaskGroup({ signal: context.signal });
  const { traceparent, clock } = context;
  const timeoutMs = context.remainingMs();
  const groupContext = new RequestContext({ traceparent, timeoutMs, clock, caller: group });
  lines.forEach((line, at) => {
    group.go(async () => {
      items[at] = await priceLine(deps, line, groupContext);
    });
  });
  try {
    await group.wait();
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
  // It was a product when it was added. A list without it would show a total that checkout does not
  // charge, so the cart is not shown.
  if (!product) throw new AppError("unavailable", `Sku ${line.sku} is not a product any more`);
  return { ...line, name: product.name, price: product.price };
}
