/** One notification, with the process that printed it. */
interface Shown {
  readonly seq: number;
  readonly notifier: number;
  /** When it was printed, in ms. */
  readonly at: number;
}

export interface TallyResult {
  readonly events: number;
  /** Shown more than once. */
  readonly duplicates: number;
  /** Missing below, or at, the last seq that an order has. */
  readonly gaps: number;
  /** Shown after a later one of its order. */
  readonly violations: number;
}

/** What several notifiers have shown, compared with every order's history. */
export class Tally {
  readonly #byOrder = new Map<string, Shown[]>();
  #notifiers = 0;
  #count = 0;

  /** All lines so far that were notifications. */
  get count(): number {
    return this.#count;
  }

  /** A taker of what one notifier writes, in chunks as they come. */
  notifier(): (chunk: string) => void {
    const notifier = this.#notifiers++;
    let rest = "";
    return (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() as string;
      for (const line of lines) this.#take(line, notifier);
    };
  }

  /** `lastSeqs` says how many events each order has. */
  check(lastSeqs: ReadonlyMap<string, number>): TallyResult {
    const result = { events: 0, duplicates: 0, gaps: 0, violations: 0 };
    for (const [order, last] of lastSeqs) {
      const shown = this.#byOrder.get(order) ?? [];
      const seqs = new Set(shown.map(({ seq }) => seq));
      result.events += last;
      result.duplicates += shown.length - seqs.size;
      for (let seq = 1; seq <= last; seq++) if (!seqs.has(seq)) result.gaps++;
      result.violations += violationsOf(shown);
    }
    return result;
  }

  /** How many orders have not shown their last event. */
  behind(lastSeqs: ReadonlyMap<string, number>): number {
    return [...lastSeqs].filter(([order, last]) =>
      !this.#byOrder.get(order)?.some(({ seq }) => seq === last)
    ).length;
  }

  #take(line: string, notifier: number): void {
    if (!line.includes('"order_id"') || !line.includes('"seq"')) return;
    const { order_id, seq, timestamp } = JSON.parse(line) as Record<string, string | number>;
    const order = String(order_id);
    const shown = { seq: Number(seq), notifier, at: Date.parse(String(timestamp)) };
    const known = this.#byOrder.get(order);
    if (known) known.push(shown);
    else this.#byOrder.set(order, [shown]);
    this.#count++;
  }
}

/** Of one process the order of its lines counts, between two the time that they say. */
function violationsOf(shown: readonly Shown[]): number {
  let violations = 0;
  shown.forEach((later, index) => {
    const overtaken = shown.slice(0, index).some((earlier) =>
      earlier.notifier === later.notifier && earlier.seq > later.seq
    );
    const elsewhere = shown.some((other) =>
      other.notifier !== later.notifier && other.seq > later.seq && other.at < later.at
    );
    // A line that is shown once more is a duplicate, not one out of order.
    const first = shown.findIndex(({ seq }) => seq === later.seq) === index;
    if (first && (overtaken || elsewhere)) violations++;
  });
  return violations;
}
