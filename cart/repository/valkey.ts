import { readFileSync } from "node:fs";
import type { RequestContext } from "../../shared/async/request-context.ts";
import { AppError } from "../../shared/errors.ts";
import type { ScriptCall, Valkey } from "../../shared/valkey/valkey.ts";
import type {
  AddItemLimits,
  AddItemOutcome,
  CartLine,
  Carts,
  CartToOrder,
  CheckoutAttempt,
  OrderLine,
} from "../domain/deps.ts";

/**
 * Buckets of users. Each has one hash slot and keeps its sizes, so that they can be read without a
 * scan.
 */
const BUCKETS = 256;
const REVISION = "revision";
/** `Retry-After` of a checkout that may have lost its attempt. */
const RETRY_AFTER_MS = 1_000;

export interface ValkeyCartsOptions {
  readonly store: Valkey;
  /** For attempts, which wait for a replica and would block other commands. */
  readonly attempts: Valkey;
  /** Returns a unique key of 1 to 255 printable ASCII characters. */
  readonly newIdempotencyKey: () => string;
  /** How long a cart lasts after its last change, in ms. */
  readonly ttlMs: number;
  /** Called with the number of expired carts; each is reported in one process only. */
  readonly onExpired?: (carts: number) => void;
}

/**
 * Carts in a store that any number of processes share. Each call is one script and one round trip.
 * Each change draws a new revision, which becomes the idempotency key if that cart is ordered.
 */
export class ValkeyCarts implements Carts {
  readonly #options: ValkeyCartsOptions;
  readonly #lua = readFileSync(new URL("./carts.lua", import.meta.url), "utf8");

  constructor(options: ValkeyCartsOptions) {
    this.#options = options;
  }

  async addItem(
    userId: bigint,
    { sku, count }: CartLine,
    { countMax, linesMax }: AddItemLimits,
    context: RequestContext,
  ): Promise<AddItemOutcome> {
    const args = [sku, count, countMax, linesMax, this.#options.newIdempotencyKey()];
    const [kind, inCart] = await this.#run("add", userId, args, context);
    return (kind === "count_exceeded" ? { kind, inCart } : { kind }) as AddItemOutcome;
  }

  async deleteItem(userId: bigint, sku: number, context: RequestContext): Promise<void> {
    await this.#run("delete", userId, [sku, this.#options.newIdempotencyKey()], context);
  }

  async clearCart(userId: bigint, context: RequestContext): Promise<void> {
    await this.#run("clear", userId, [], context);
  }

  async listCart(userId: bigint, context: RequestContext): Promise<readonly CartLine[]> {
    const [fields] = await this.#run("list", userId, [], context);
    return cartOf(fields).lines;
  }

  async readToOrder(userId: bigint, context: RequestContext): Promise<CartToOrder> {
    const [kind, ...found] = await this.#run("read", userId, [], context, this.#options.attempts);
    if (kind === "cart") return cartOf(found[0]);
    return { attempt: await this.#replicated(kind, userId, found, context) };
  }

  async beginAttempt(
    userId: bigint,
    revision: unknown,
    items: readonly OrderLine[],
    context: RequestContext,
  ): Promise<CheckoutAttempt | undefined> {
    const args = [revision as string, JSON.stringify(items)];
    const store = this.#options.attempts;
    const [kind, ...begun] = await this.#run("begin", userId, args, context, store);
    return kind === "changed" ? undefined : await this.#replicated(kind, userId, begun, context);
  }

  async settleAttempt(
    userId: bigint,
    { idempotencyKey }: CheckoutAttempt,
    { keep }: { readonly keep: boolean },
    context: RequestContext,
  ): Promise<void> {
    const args = [idempotencyKey, keep ? 1 : 0, this.#options.newIdempotencyKey()];
    await this.#run("settle", userId, args, context);
  }

  async endAttempt(
    userId: bigint,
    { idempotencyKey }: CheckoutAttempt,
    { unlessShared }: { readonly unlessShared: boolean },
    context: RequestContext,
  ): Promise<void> {
    const args = [idempotencyKey, unlessShared ? 1 : 0, this.#options.newIdempotencyKey()];
    await this.#run("finish", userId, args, context);
  }

  /** Counts the carts of all processes, bucket by bucket; also removes some expired ones. */
  async size(context: RequestContext): Promise<{ readonly carts: number; readonly lines: number }> {
    const sizes = await Promise.all(
      Array.from(
        { length: BUCKETS },
        (_, bucket) => this.#run("size", BigInt(bucket), [], context),
      ),
    );
    const sum = (at: number) => sizes.reduce((total, size) => total + (size[at] as number), 0);
    return { carts: sum(0), lines: sum(1) };
  }

  /** @throws {AppError} `unavailable` if the store does not answer */
  async check(context: RequestContext): Promise<void> {
    await this.#run("size", 0n, [], context);
  }

  async #run(
    operation: string,
    userId: bigint,
    given: ScriptCall["args"],
    context: RequestContext,
    store = this.#options.store,
  ): Promise<readonly unknown[]> {
    const { ttlMs, onExpired } = this.#options;
    const args = [operation, String(userId), ttlMs, ...given];
    const reply = await store.run(
      { lua: this.#lua, operation, keys: keysOf(userId), args },
      context,
    );
    const [expired, ...result] = reply as [number, ...unknown[]];
    if (expired > 0) onExpired?.(expired);
    return result;
  }

  /**
   * Waits before loms is called, between steps 1 and 2 of cart/domain/checkout.ts. Otherwise a
   * failover could lose the attempt of an existing order.
   */
  async #replicated(
    kind: unknown,
    userId: bigint,
    [idempotencyKey, items, replicas, replicationId]: readonly unknown[],
    context: RequestContext,
  ): Promise<CheckoutAttempt> {
    const { attempts, ttlMs } = this.#options;
    if (
      replicas as number > 0 &&
      !await attempts.replicated(keysOf(userId)[1] as string, ttlMs, context)
    ) {
      // Another process has ended the attempt with its answer from loms, unless the store lost it.
      const args = [replicationId as string];
      const [isSame] = await this.#run("same", userId, args, context, attempts);
      if (isSame !== 1) {
        throw new AppError("unavailable", "The cart store was replaced", {
          retryAfterMs: RETRY_AFTER_MS,
        });
      }
    }
    return {
      idempotencyKey: idempotencyKey as string,
      items: JSON.parse(items as string) as OrderLine[],
      isResumed: kind === "resumed",
    };
  }
}

function keysOf(userId: bigint): string[] {
  const bucket = `cart:{${userId % BigInt(BUCKETS)}}`;
  return [
    `${bucket}:cart:${userId}`,
    `${bucket}:attempt:${userId}`,
    `${bucket}:left:${userId}`,
    `${bucket}:ends`,
    `${bucket}:lines`,
  ];
}

/** @param reply the fields of the cart's hash, each followed by its value */
function cartOf(reply: unknown) {
  const fields = reply as readonly string[];
  const lines: CartLine[] = [];
  let revision: string | undefined;
  for (let at = 0; at < fields.length; at += 2) {
    const [field, value] = [fields[at], fields[at + 1]] as [string, string];
    if (field === REVISION) revision = value;
    else lines.push({ sku: Number(field), count: Number(value) });
  }
  return { lines: lines.sort((a, b) => a.sku - b.sku), revision };
}
