import { linkAbort } from "./request-context.ts";

export interface TaskGroupOptions {
  /** The number of concurrent tasks, at least 1; unlimited by default. */
  readonly limit?: number;
  /** Aborts the group when it aborts. */
  readonly signal?: AbortSignal;
}

type Task = (group: { readonly signal: AbortSignal }) => Promise<unknown>;

/**
 * Tasks that succeed or fail as one, after Go's golang.org/x/sync/errgroup. The first task to fail
 * aborts the group's signal. `wait()` rejects with that first error once every task has settled, so
 * no task outlives the call.
 * It does not stop a task that ignores its signal, and waits for it. It does not collect results,
 * and reports no error but the first. Once the signal has aborted, queued tasks are dropped. The
 * queue of `go()` has no bound: with an endless source of tasks use `tryGo()`, or wait in between.
 * A failed group stays failed. Unlike in Go, `wait()` does not abort the signal of a group that
 * succeeded, `go()` never blocks, and a throw is an error.
 */
export class TaskGroup {
  readonly #limit: number;
  #controller: AbortController | undefined;
  readonly #parent: AbortSignal | undefined;
  #unlink: (() => void) | undefined;
  readonly #queue: Task[] = [];
  #running = 0;
  #failure: { readonly error: unknown } | undefined;
  readonly #idleListeners: (() => void)[] = [];

  /** @throws {RangeError} if the limit is below 1 */
  constructor({ limit = Infinity, signal }: TaskGroupOptions = {}) {
    if (!(limit >= 1)) throw new RangeError(`limit must be at least 1, got ${limit}`);
    this.#limit = limit;
    this.#parent = signal;
  }

  /** Aborts with the first error, or with the parent's reason. Made when it is first read. */
  get signal(): AbortSignal {
    return this.#open().signal;
  }

  /** Runs the task, at once or when a running task has settled; in order. */
  go(task: Task): void {
    this.#queue.push(task);
    this.#startQueued();
  }

  /** Runs the task if it can start at once; returns whether it did. */
  tryGo(task: Task): boolean {
    if (this.#running >= this.#limit) return false;
    this.go(task);
    return true;
  }

  /**
   * Resolves when every task has. Rejects with the first error, or with the parent's reason if its
   * abort kept a task from starting.
   */
  async wait(): Promise<void> {
    if (this.#running > 0) {
      await new Promise<void>((resolve) => this.#idleListeners.push(resolve));
    }
    if (this.#failure) throw this.#failure.error;
  }

  #startQueued(): void {
    while (this.#running < this.#limit) {
      const task = this.#queue.shift();
      if (!task) return;
      this.#running++;
      if (this.#parent) this.#unlink ??= linkAbort(this.#parent, this.#open());
      void this.#run(task);
    }
  }

  async #run(task: Task): Promise<void> {
    try {
      if (this.#failure) throw this.#failure.error;
      this.#controller?.signal.throwIfAborted();
      await task(this);
    } catch (error) {
      this.#failure ??= { error };
      this.#controller?.abort(error);
    }
    this.#running--;
    this.#startQueued();
    if (this.#running === 0) this.#becomeIdle();
  }

  #open(): AbortController {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#failure) this.#controller.abort(this.#failure.error);
    }
    return this.#controller;
  }

  #becomeIdle(): void {
    this.#unlink?.();
    this.#unlink = undefined;
    for (const resolve of this.#idleListeners.splice(0)) resolve();
  }
}
