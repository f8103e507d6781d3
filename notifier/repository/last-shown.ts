import type { RequestContext } from "../../shared/async/request-context.ts";
import type { Pool } from "../../shared/postgres/pool.ts";
import type { LastShown, Shown } from "../domain/deps.ts";
import { FORGET_FINAL, LAST_SEQ, REMEMBER } from "./statements.ts";

/** What was shown, in PostgreSQL: one row an order. */
export class PostgresLastShown implements LastShown {
  readonly #pool: Pool;
  /**
   * Shown, and the database did not take it: at most what was under way when it went. Without this
   * every further try to handle such an event would show it once more.
   */
  readonly #unremembered = new Map<bigint, Shown>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async lastSeq(orderId: bigint, context: RequestContext): Promise<number> {
    const unremembered = this.#unremembered.get(orderId);
    if (unremembered) await this.remember(unremembered, context);
    const [row] = await this.#pool.run(LAST_SEQ, [orderId], context);
    return row?.seq ?? 0;
  }

  async remember(shown: Shown, context: RequestContext): Promise<void> {
    const { orderId, seq, final } = shown;
    this.#unremembered.set(orderId, shown);
    await this.#pool.run(REMEMBER, [orderId, seq, final], context);
    this.#unremembered.delete(orderId);
  }

  async forgetFinal(olderThanMs: number, max: number, context: RequestContext): Promise<number> {
    const [row] = await this.#pool.run(FORGET_FINAL, [olderThanMs, max], context);
    return row?.forgotten ?? 0;
  }
}
