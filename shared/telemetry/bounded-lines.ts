/** Takes text and calls `done` once it is out of the process; it is given one text at a time. */
export type LineSink = (text: string, done: () => void) => void;

/** Some seconds of a busy service; what a reader is behind by costs no more memory than this. */
const WAITING_MAX_CHARACTERS = 4 * 1024 * 1024;

export interface BoundedLinesOptions {
  readonly sink: LineSink;
  /** Is told how many lines were dropped, once there is room again. */
  readonly onDropped: (lines: number) => void;
  readonly waitingMax?: number;
}

/**
 * Lines on their way out. Whoever writes never waits: while the sink is slow lines gather up to a
 * bound, and what comes beyond that is dropped and counted.
 */
export class BoundedLines {
  readonly #sink: LineSink;
  readonly #onDropped: (lines: number) => void;
  readonly #waitingMax: number;
  readonly #onIdle = new Set<() => void>();
  #waiting = "";
  #isWriting = false;
  #lost = 0;
  #toldOfLost = 0;

  constructor(options: BoundedLinesOptions) {
    this.#sink = options.sink;
    this.#onDropped = options.onDropped;
    this.#waitingMax = options.waitingMax ?? WAITING_MAX_CHARACTERS;
  }

  /** Lines that were dropped since the start. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    if (!this.#isWriting) this.#send(line);
    else if (this.#waiting.length + line.length <= this.#waitingMax) this.#waiting += line;
    else this.#lost++;
  }

  /** Resolves once nothing is on its way, or after `maxMs`. */
  async flush(maxMs: number): Promise<void> {
    if (!this.#isWriting) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, maxMs);
      this.#onIdle.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** What waits, for a process that ends now. */
  takeWaiting(): string {
    const text = this.#waiting;
    this.#waiting = "";
    return text;
  }

  #send(text: string): void {
    this.#isWriting = true;
    this.#sink(text, () => {
      this.#isWriting = false;
      if (this.#waiting !== "") return this.#send(this.takeWaiting());
      this.#tellOfLost();
      if (!this.#isWriting) this.#rest();
    });
  }

  #tellOfLost(): void {
    const lines = this.#lost - this.#toldOfLost;
    this.#toldOfLost = this.#lost;
    if (lines > 0) this.#onDropped(lines);
  }

  #rest(): void {
    for (const resolve of this.#onIdle) resolve();
    this.#onIdle.clear();
  }
}
