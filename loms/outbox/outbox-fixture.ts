import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { OutgoingMessage } from "../../shared/bus/bus.ts";
import { sendInParts } from "../../shared/bus/base-bus.ts";
import { AppError } from "../../shared/errors.ts";
import type { DurableRunner, StatementRunner } from "../../shared/postgres/statement.ts";
import { ORDER_OUTBOX, type OrderEventRow } from "./order-outbox.ts";
import { Relay } from "./relay.ts";

/** Requests of this many messages, so that a publish may be stored in part. */
const PART_MAX = 3;

interface StoredRow extends OrderEventRow {
  readonly id: bigint;
  readonly order_id: bigint;
  readonly seq: number;
  isCommitted: boolean;
  isMarked: boolean;
}

/** A call in progress: it takes effect first, and is answered later. */
interface Call {
  effect: (() => unknown) | undefined;
  answer: () => void;
}

/**
 * For tests: an outbox, a bus and relays of several processes. `random` decides when a call takes
 * effect and when it is answered. With `isFaulty`, calls fail before or after their effect, several
 * relays have the lease, and time passes.
 */
export class OutboxModel {
  readonly published: OutgoingMessage[] = [];
  readonly relays: readonly Relay[];
  readonly #clock = new VirtualClock();
  readonly #rows: StoredRow[] = [];
  readonly #refused = new Map<bigint, number[]>();
  readonly #calls: Call[] = [];
  readonly #random: () => number;
  readonly #isRefused: (order: bigint, seq: number) => boolean;
  #holder: unknown;
  isFaulty = true;

  constructor(
    processes: number,
    random: () => number,
    isRefused: (order: bigint, seq: number) => boolean,
  ) {
    this.#random = random;
    this.#isRefused = isRefused;
    this.relays = Array.from(
      { length: processes },
      (_, index) => this.#openRelay(`relay ${index}`),
    );
    for (const relay of this.relays) relay.start();
  }

  /** Writes the next events of an order; resolves with them once they are committed. */
  write(order: bigint, seqs: readonly number[]): Promise<readonly OrderEventRow[]> {
    const rows = seqs.map((seq): StoredRow => {
      const row = { order_id: order, user_id: 7n, seq, status: "new", at: "", traceparent: "t" };
      const id = BigInt(this.#rows.length + 1);
      const stored = { ...row, id, refused_before: null, reason: null };
      this.#rows.push({ ...stored, isCommitted: false, isMarked: false });
      return this.#rows.at(-1) as StoredRow;
    });
    return this.#call(() => {
      for (const row of rows) row.isCommitted = true;
      return rows;
    });
  }

  /** Continues one call, or advances the time. */
  async step(): Promise<void> {
    const index = Math.floor(this.#random() * (this.#calls.length + 1));
    const call = this.#calls[index];
    if (!call) await this.#clock.advance(this.#random() * (this.isFaulty ? 800 : 100));
    else if (call.effect) {
      const { effect } = call;
      call.effect = undefined;
      effect();
    } else {
      this.#calls.splice(index, 1);
      call.answer();
      await this.#clock.advance(0);
    }
  }

  /** The committed seqs of an order. */
  writtenSeqs(order: bigint): number[] {
    return this.#rows.filter((row) => row.isCommitted && row.order_id === order)
      .map(({ seq }) => seq);
  }

  /** Whether every committed event is marked, and no call that may commit one is in progress. */
  get isSettled(): boolean {
    return this.#rows.every(({ isMarked, isCommitted }) => isMarked === isCommitted);
  }

  #call<Result>(work: () => Result): Promise<Result> {
    return new Promise((resolve, reject) => {
      const lost = () => reject(new AppError("unavailable", "lost"));
      const isLostBefore = this.#fails();
      const isLostAfter = this.#fails();
      const call: Call = { effect: undefined, answer: lost };
      if (!isLostBefore) {
        call.effect = () => {
          try {
            const result = work();
            if (!isLostAfter) call.answer = () => resolve(result);
          } catch (error) {
            call.answer = () => reject(error as Error);
          }
        };
      }
      this.#calls.push(call);
    });
  }

  #fails(): boolean {
    return this.isFaulty && this.#random() < 0.1;
  }

  #openRelay(relayId: string): Relay {
    const run = (statement: { readonly name: string }, parameters: readonly unknown[]) =>
      this.#call(() => this.#execute(statement.name, parameters));
    return new Relay({
      outbox: ORDER_OUTBOX,
      writes: { run } as unknown as DurableRunner,
      marks: { run } as unknown as StatementRunner,
      bus: { publish: (_topic, messages) => this.#publish(messages) },
      topic: { name: "events", groups: [], deadLetterQueue: "dead" },
      ...{ clock: this.#clock, relayId, onError: () => {} },
    });
  }

  #publish(messages: readonly OutgoingMessage[]): Promise<void> {
    return sendInParts({
      ...{ messages, countMax: PART_MAX, charactersMax: Infinity },
      send: (part) => this.#call(() => this.#store(part)),
      refusalOf: (error) => error instanceof RangeError ? "too large" : undefined,
    });
  }

  #store(part: readonly OutgoingMessage[]): void {
    const isRefused = ({ headers }: OutgoingMessage) => {
      const [order, seq] = (headers.ce_id as string).split("-");
      return this.#isRefused(BigInt(order as string), Number(seq));
    };
    if (part.some(isRefused)) throw new RangeError();
    this.published.push(...part);
  }

  #execute(name: string, parameters: readonly unknown[]): unknown[] {
    if (name === "outbox_read") return this.#read(parameters);
    if (name === "outbox_refuse") return this.#refuse(parameters[0] as bigint[]);
    const [relayId, ids, release] = parameters as [unknown, bigint[], boolean];
    for (const id of ids) (this.#rows[Number(id) - 1] as StoredRow).isMarked = true;
    if (release && this.#holder === relayId) this.#holder = undefined;
    return [];
  }

  #refuse(ids: readonly bigint[]): unknown[] {
    for (
      const { order_id: order, seq } of ids.map((id) => this.#rows[Number(id) - 1] as StoredRow)
    ) {
      const seqs = this.#refused.get(order) ?? [];
      this.#refused.set(order, [...new Set([...seqs, seq])]);
    }
    return [];
  }

  #read([relayId, , knownIds, max]: readonly unknown[]): unknown[] {
    const isHeld = this.#holder !== undefined && this.#holder !== relayId;
    if (isHeld && !(this.isFaulty && this.#random() < 0.3)) {
      return [{ state: "elsewhere", awaited: false }];
    }
    this.#holder = relayId;
    const known = new Set(knownIds as bigint[]);
    const rows = this.#rows
      .filter(({ id, isCommitted, isMarked }) => isCommitted && !isMarked && !known.has(id))
      .slice(0, max as number)
      .map((row) => ({
        ...row,
        state: "taken",
        awaited: false,
        refused_before: this.#before(row),
      }));
    return rows.length > 0 ? rows : [{ state: "drained", awaited: false }];
  }

  #before({ order_id: order, seq }: StoredRow): string | null {
    const seqs = (this.#refused.get(order) ?? []).filter((refused) => refused < seq);
    return seqs.length > 0 ? seqs.map((refused) => `${order}-${refused}`).join(",") : null;
  }
}
