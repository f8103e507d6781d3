/** A time in the simulation, in ms. */
export type Moment = number;

/** Events in virtual time; those of one time run in the order of their creation. */
export class Timeline {
  now: Moment = 0;
  readonly #machines: Machine[] = [];
  // A binary heap by time, then by number.
  readonly #heap: { readonly at: Moment; readonly number: number; readonly run: () => void }[] = [];
  #number = 0;

  machine(cores: number): Machine {
    const machine = new Machine(this, cores);
    this.#machines.push(machine);
    return machine;
  }

  after(delayMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.now + delayMs, number: this.#number++, run });
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      if (!this.#isBefore(child, parent)) break;
      this.#swap(child, parent);
      child = parent;
    }
  }

  /** Runs the events until this time. */
  runUntil(end: Moment): void {
    for (;;) {
      const { at, run } = this.#next();
      this.#advance(Math.min(at, end));
      if (at > end) return;
      run();
    }
  }

  /** The end of a job, or a timer. */
  #next(): { readonly at: Moment; readonly run: () => void } {
    let at = this.#heap[0]?.at ?? Infinity;
    let run = () => this.#pop()?.run();
    for (const machine of this.#machines) {
      const endsAt = machine.nextEnd();
      if (endsAt >= at) continue;
      at = endsAt;
      run = () => machine.endNext();
    }
    return { at, run };
  }

  #advance(to: Moment): void {
    for (const machine of this.#machines) machine.advance(to);
    this.now = to;
  }

  #pop() {
    const heap = this.#heap;
    this.#swap(0, heap.length - 1);
    const first = heap.pop();
    for (let parent = 0;;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.#isBefore(child, least)) least = child;
      }
      if (least === parent) return first;
      this.#swap(parent, least);
      parent = least;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    return !!a && !!b && (a.at < b.at || (a.at === b.at && a.number < b.number));
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (a && b) [this.#heap[one], this.#heap[other]] = [b, a];
  }
}

interface Job {
  leftMs: number;
  readonly part: Part;
  readonly done: () => void;
}

/** The cores of a machine, shared equally by its running jobs; a job uses at most one. */
export class Machine {
  readonly #timeline: Timeline;
  readonly #cores: number;
  readonly #jobs = new Set<Job>();
  #advancedTo: Moment = 0;

  constructor(timeline: Timeline, cores: number) {
    this.#timeline = timeline;
    this.#cores = cores;
  }

  /** A part with a queue that runs up to `workers` jobs concurrently. */
  part(name: string, workers = 1): Part {
    return new Part(name, workers, (job) => {
      this.advance(this.#timeline.now);
      this.#jobs.add(job);
    });
  }

  nextEnd(): Moment {
    let least = Infinity;
    for (const { leftMs } of this.#jobs) least = Math.min(least, leftMs);
    return this.#advancedTo + least / this.#rate();
  }

  advance(to: Moment): void {
    const workedMs = (to - this.#advancedTo) * this.#rate();
    this.#advancedTo = to;
    if (workedMs === 0) return;
    for (const job of this.#jobs) {
      job.leftMs -= workedMs;
      job.part.busyMs += workedMs;
    }
  }

  endNext(): void {
    let next: Job | undefined;
    for (const job of this.#jobs) if (!next || job.leftMs < next.leftMs) next = job;
    if (!next) return;
    this.#jobs.delete(next);
    next.part.ended();
    next.done();
  }

  #rate(): number {
    return Math.min(1, this.#cores / Math.max(1, this.#jobs.size));
  }
}

/** A process, or the processes of a server. */
export class Part {
  readonly name: string;
  /** Processor time used. */
  busyMs = 0;
  readonly #workers: number;
  readonly #start: (job: Job) => void;
  readonly #queue: Job[] = [];
  #first = 0;
  #running = 0;

  constructor(name: string, workers: number, start: (job: Job) => void) {
    this.name = name;
    this.#workers = workers;
    this.#start = start;
  }

  /** Calls `done` when the job has used this much CPU time. */
  work(ms: number, done: () => void = () => {}): void {
    this.#queue.push({ leftMs: ms, part: this, done });
    this.#startWaiting();
  }

  /** Called by its machine when one of its jobs has ended. */
  ended(): void {
    this.#running--;
    this.#startWaiting();
  }

  #startWaiting(): void {
    while (this.#running < this.#workers && this.#first < this.#queue.length) {
      this.#running++;
      this.#start(this.#queue[this.#first++] as Job);
    }
    if (this.#first === this.#queue.length) {
      this.#queue.length = 0;
      this.#first = 0;
    }
  }
}
