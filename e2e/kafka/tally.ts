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
  /** Events of an order that were not shown. */
  readonly gaps: number;
  /** Events shown after a later one of their order. */
  readonly violations: number;
}

/** The notifications of several notifiers, compared with every order's history. */
export class Tally {
  readonly #byOrder = new Map<string, Shown[]>();
  #notifiers = 0;
  #count = 0;

  /** All lines so far that were notifications. */
  get count(): number {
    return this.#count;
  }

  /** A function that takes the output of one notifier in chunks. */
  notifier(): (chunk: string) => void {
    const notifier = this.#notifiers++;
    let rest = "";
    return (chunk) => {
      const lines = (rest + chunk).split("\n");
      rest = lines.pop() as string;
      for (const line of lines) this.#take(line, notifier);
    };
  }

  /** `lastSeqs` has the number of events of each order. */
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

/** Lines of one process are in their order, those of two processes by their time. */
function violationsOf(shown: readonly Shown[]): number {
  let violations = 0;
  shown.forEach((later, index) => {
    const overtaken = shown.slice(0, index).some((earlier) =>
      earlier.notifier === later.notifier && earlier.seq > later.seq
    );
    const elsewhere = shown.some((other) =>
      other.notifier !== later.notifier && other.seq > later.seq && other.at < later.at
    );
    // A repeated line is a duplicate, and not out of order.
    const first = shown.findIndex(({ seq }) => seq === later.seq) === index;
    if (first && (overtaken || elsewhere)) violations++;
  });
  return violations;
}
