import type { Clock } from "../../shared/async/request-context.ts";
import type { Answer } from "./answer.ts";
import type { Ledger, Line, Purchase } from "./ledger.ts";
import type { Wish } from "./purchase.ts";
import { settle, type Settled } from "./settle.ts";
import type { OrderTransport, Transports } from "./transports.ts";

/** A buyer retries faster than prices change. */
const AGREEMENTS_MAX = 20;

export interface BuyerOptions {
  readonly transports: Transports;
  readonly ledger: Ledger;
  readonly clock: Clock;
  /** ORDER_PAYMENT_TIMEOUT of the shop. */
  readonly paymentTimeoutMs: number;
}

interface Checkout {
  readonly answer: Definite | undefined;
  readonly agreedTotal: bigint | undefined;
}

type Definite = Settled<Answer>;

/** One purchase from the first add to the final status of its order; records the answers. */
export class Buyer {
  readonly #options: BuyerOptions;
  readonly #wish: Wish;

  constructor(options: BuyerOptions, wish: Wish) {
    this.#options = options;
    this.#wish = wish;
  }

  async buy(): Promise<void> {
    const startedAt = this.#options.clock.now();
    const orderId = await (this.#wish.way === "cart" ? this.#checkout() : this.#create());
    if (orderId === undefined) return;
    await this.#expectStatus(orderId, ["awaiting payment", "cancelled"]);
    if (this.#wish.fate !== "leave") await this.#change(orderId, this.#wish.fate, startedAt);
  }

  /** Through loms' transports. @returns the order, unless it failed */
  async #create(): Promise<bigint | undefined> {
    const { transports } = this.#options;
    const { userId, items, twiceAtOnce, again, way } = this.#wish;
    const order = { userId, items, key: `key of ${userId}` };
    // A retry may use the other transport: the key is the same.
    const tried: OrderTransport[] = way === "grpc"
      ? [transports.grpc, transports.gateway]
      : [transports.gateway, transports.grpc];
    let tries = 0;
    const send = () => (tried[tries++ % 2] as OrderTransport).create(order);
    const settle = () => this.#settle("create", send);
    const answers = twiceAtOnce ? await Promise.all([settle(), settle()]) : [await settle()];
    if (again) answers.push(await settle());
    return this.#noteOrders(order, answers);
  }

  /** Through a cart. @returns the order, unless it failed or was lost with its cart */
  async #checkout(): Promise<bigint | undefined> {
    const { ledger } = this.#options;
    const { userId, twiceAtOnce } = this.#wish;
    const cartLife = ledger.cartLife;
    const { items, isCertain } = await this.#fillCart();
    if (items.length === 0) return undefined;
    const agree = () => this.#agree(userId);
    const checkouts = twiceAtOnce ? await Promise.all([agree(), agree()]) : [await agree()];
    const answers = checkouts.map(({ answer }) => answer);
    // A checkout that arrives after the other was answered finds an empty cart.
    const orders = answers.filter((answer) => !isEmptyCart(answer));
    const isSameCart = ledger.cartLife === cartLife;
    if (orders.length === 0 && isSameCart) {
      ledger.lost.push(`user ${userId} has added ${items.length} lines, and the cart is empty`);
    }
    const totals = new Set(checkouts.map(({ agreedTotal }) => agreedTotal));
    // Checkouts that share an attempt share its answer, whatever total each agreed to.
    const [totalPrice] = totals.size === 1 ? totals : [];
    return this.#noteOrders({
      userId,
      ...isSameCart && isCertain && { items },
      ...totalPrice !== undefined && { totalPrice },
    }, orders);
  }

  /** Checks out, and agrees to each new total. */
  async #agree(userId: bigint): Promise<Checkout> {
    const { cart } = this.#options.transports;
    const { agrees, isOutdated } = this.#wish;
    const shown = agrees ? await cart.totalPrice(userId) : undefined;
    let agreedTotal = shown !== undefined && isOutdated ? shown + 1n : shown;
    for (let agreements = 1;; agreements++) {
      const answer = await this.#settle("checkout", () => cart.checkout(userId, agreedTotal));
      const changed = answer?.kind === "refused" ? answer.totalPrice : undefined;
      if (changed === undefined || agreements === AGREEMENTS_MAX) return { answer, agreedTotal };
      agreedTotal = changed;
    }
  }

  /** The accepted items; uncertain if an add whose answer was lost may count twice. */
  async #fillCart(): Promise<{ readonly items: readonly Line[]; readonly isCertain: boolean }> {
    const { transports } = this.#options;
    const { userId, items: wished } = this.#wish;
    const items: Line[] = [];
    let tries = 0;
    for (const line of wished) {
      const answer = await this.#settle("add", () => {
        tries++;
        return transports.cart.add(userId, line);
      });
      if (answer?.kind === "done") items.push(line);
      else if (answer?.kind === "strange") this.#note("an add", answer);
    }
    return { items, isCertain: tries === wished.length };
  }

  #noteOrders(
    purchase: Purchase,
    answers: readonly (Definite | undefined)[],
  ): bigint | undefined {
    const { ledger } = this.#options;
    let made: bigint | undefined;
    for (const answer of answers) {
      if (answer?.kind === "done" && answer.orderId !== undefined) {
        ledger.created(purchase, answer.orderId, "awaiting payment");
        made = answer.orderId;
      } else if (hasFailed(answer)) {
        ledger.created(purchase, answer.orderId, "failed");
      } else if (answer) {
        this.#note("an order", answer);
      }
    }
    return made;
  }

  async #change(orderId: bigint, fate: "pay" | "cancel", startedAt: number): Promise<void> {
    const { transports, ledger, clock, paymentTimeoutMs } = this.#options;
    const transport = this.#wish.way === "grpc" ? transports.grpc : transports.gateway;
    const answer = await this.#settle(fate, () => transport[fate](orderId));
    if (!answer) return;
    if (answer.kind === "done") {
      const status = fate === "pay" ? "payed" : "cancelled";
      ledger.changed(orderId, status);
      await this.#expectStatus(orderId, [status]);
      return;
    }
    const mayBeOverdue = clock.now() - startedAt >= paymentTimeoutMs;
    if (fate === "pay" && answer.kind === "refused" && answer.status === 412 && mayBeOverdue) {
      return;
    }
    this.#note(`${fate} of order ${orderId}`, answer);
  }

  /** Every later read, on every server, shows an answered write. */
  async #expectStatus(orderId: bigint, statuses: readonly string[]): Promise<void> {
    const status = await this.#options.transports.status(orderId);
    if (status === undefined || statuses.includes(status)) return;
    this.#options.ledger.lost.push(
      `order ${orderId} is ${statuses[0]} for its buyer, and a read returns ${status}`,
    );
  }

  /** With the same key each time. */
  #settle(what: string, send: () => Promise<Answer>): Promise<Definite | undefined> {
    return settle(`${what} of user ${this.#wish.userId}`, send, this.#options);
  }

  #note(what: string, answer: Definite): void {
    const why = answer.kind === "strange"
      ? answer.why
      : answer.kind === "refused"
      ? String(answer.status)
      : "done without an order";
    this.#options.ledger.strange.push(`${what} of user ${this.#wish.userId} was answered ${why}`);
  }
}

function hasFailed(
  answer: Definite | undefined,
): answer is { readonly kind: "refused"; readonly status: number; readonly orderId: bigint } {
  return answer?.kind === "refused" && answer.orderId !== undefined;
}

function isEmptyCart(answer: Definite | undefined): boolean {
  return answer?.kind === "refused" && answer.status === 404;
}
