import type { Deadline } from "./request-context.ts";

/** A call in progress and its waiters. Its deadline is the latest one of its callers. */
class Flight<Value> implements Deadline {
  deadlineAt: number;
  callers = 0;
  readonly #controller = new AbortController();
  readonly result: Promise<Value>;

  constructor(deadlineAt: number, work: (shared: Deadline) => Promise<Value>) {
    this.deadlineAt = deadlineAt;
    this.result = work(this);
    // Waiters take the rejection from their own promises; the last one may have left.
    this.result.catch(() => {});
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }
}

/**
 * Concurrent calls of one key become one call with one result, after Go's
 * golang.org/x/sync/singleflight. Each caller keeps its own deadline and does not affect the
 * others. The shared call is aborted when the last caller leaves; a later caller starts a new one.
 * Results are not cached: a call after the result starts a new one. New callers extend the shared
 * deadline, so the work must bound its own duration.
 */
export class SingleFlight<Key, Value> {
  readonly #flights = new Map<Key, Flight<Value>>();
  #closedBy: { readonly reason: unknown } | undefined;

  /**
   * The result of the call of `key` in progress, or else of `work`. Rejects as `work` does, or with
   * the reason of the caller's own signal.
   */
  async run(
    key: Key,
    caller: Deadline,
    work: (shared: Deadline) => Promise<Value>,
  ): Promise<Value> {
    if (this.#closedBy) throw this.#closedBy.reason;
    caller.signal.throwIfAborted();
    const flight = this.#flights.get(key) ?? this.#start(key, caller, work);
    flight.deadlineAt = Math.max(flight.deadlineAt, caller.deadlineAt);
    flight.callers++;
    return await new Promise<Value>((resolve, reject) => {
      const leave = () => {
        reject(caller.signal.reason);
        this.#leave(key, flight, caller.signal.reason);
      };
      caller.signal.addEventListener("abort", leave, { once: true });
      const stopListening = () => caller.signal.removeEventListener("abort", leave);
      flight.result.then(resolve, reject).finally(stopListening);
    });
  }

  /** Aborts every call in progress and refuses later ones, with `reason`. */
  close(reason: unknown): void {
    this.#closedBy = { reason };
    for (const flight of this.#flights.values()) flight.abort(reason);
  }

  #start(
    key: Key,
    caller: Deadline,
    work: (shared: Deadline) => Promise<Value>,
  ): Flight<Value> {
    // Asynchronous, so that a synchronous throw becomes a rejection.
    const flight = new Flight(caller.deadlineAt, async (shared) => await work(shared));
    this.#flights.set(key, flight);
    const remove = () => this.#remove(key, flight);
    flight.result.then(remove, remove);
    return flight;
  }

  #leave(key: Key, flight: Flight<Value>, reason: unknown): void {
    flight.callers--;
    if (flight.callers > 0) return;
    this.#remove(key, flight);
    flight.abort(reason);
  }

  #remove(key: Key, flight: Flight<Value>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  }
}
