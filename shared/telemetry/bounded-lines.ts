import { fstatSync } from "node:fs";
import process from "node:process";
import { systemClock, within } from "../async/request-context.ts";

/** Takes text and calls `done` once it has left the process; gets one text at a time. */
type LineSink = (text: string, done: () => void) => void;

/** Some seconds of a busy service; bounds the memory that a slow reader costs. */
const WAITING_MAX_CHARACTERS = 4 * 1024 * 1024;

interface BoundedLinesOptions {
  readonly sink: LineSink;
  /** Called with the number of dropped lines, once there is space again. */
  readonly onDropped: (lines: number) => void;
  readonly waitingMax?: number;
  /** Defers work until the end of the current iteration; by default `setImmediate`. */
  readonly later?: (send: () => void) => void;
}

/**
 * A queue of lines. Lines of one iteration of the event loop are written together, because each
 * write costs a system call. A writer never waits: while the sink is slow, lines are queued up to a
 * limit, and further lines are dropped and counted.
 */
export class BoundedLines {
  readonly #options: Required<BoundedLinesOptions>;
  readonly #onIdle = new Set<() => void>();
  #waiting = "";
  /** A write is scheduled: at the end of the iteration, or when the sink is free. */
  #isScheduled = false;
  #isWriting = false;
  #lost = 0;
  #reportedLost = 0;

  constructor(options: BoundedLinesOptions) {
    this.#options = { waitingMax: WAITING_MAX_CHARACTERS, later: setImmediate, ...options };
  }

  /** Whether the sink is writing. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /** Lines dropped since the start. */
  get lost(): number {
    return this.#lost;
  }

  write(line: string): void {
    const { waitingMax, later } = this.#options;
    if (this.#waiting.length + line.length <= waitingMax) this.#waiting += line;
    else this.#lost++;
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    later(() => this.#send());
  }

  /** Resolves once the queue is empty, or after `maxMs`. */
  async flush(maxMs: number): Promise<void> {
    if (!this.#isScheduled) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onIdle.add(resolve);
    await within(systemClock, maxMs, promise, () => {});
  }

  /** The queued text, for a process that ends now. */
  takeWaiting(): string {
    const text = this.#waiting;
    this.#waiting = "";
    return text;
  }

  #send(): void {
    this.#isWriting = true;
    this.#options.sink(this.takeWaiting(), () => {
      this.#isWriting = false;
      if (this.#waiting === "") this.#reportLost();
      if (this.#waiting !== "") return this.#send();
      this.#isScheduled = false;
      for (const resolve of this.#onIdle) resolve();
      this.#onIdle.clear();
    });
  }

  #reportLost(): void {
    const lines = this.#lost - this.#reportedLost;
    this.#reportedLost = this.#lost;
    if (lines > 0) this.#options.onDropped(lines);
  }
}

const STDOUT = 1;
/** Deno's API for a pipe; node:fs and process.stdout block the process. */
const deno = (globalThis as { Deno?: { stdout: { write(bytes: Uint8Array): Promise<number> } } })
  .Deno;

/**
 * Lines to stdout that never block the process, also when it exits. Those that stdout refuses, as
 * when its reader has closed the pipe, are lost.
 */
export function stdoutLines(onDropped: (lines: number) => void): BoundedLines {
  // Deno writes to a pipe at once and waits for its reader, so a separate thread waits instead.
  const mayWait = deno !== undefined && isPipe();
  const lines = new BoundedLines({ sink: mayWait ? writeInThread : writeToStream, onDropped });
  // Node throws an error that has no listener. The callback of the write counts the text as done.
  process.stdout.on("error", () => {});
  process.on("exit", () => {
    // A thread that still waits means that there is no reader.
    const rest = mayWait && lines.isWriting ? "" : lines.takeWaiting();
    if (rest !== "") process.stdout.write(rest);
  });
  return lines;
}

const writeToStream: LineSink = (text, done) => void process.stdout.write(text, () => done());

function isPipe(): boolean {
  const stat = fstatSync(STDOUT);
  return stat.isFIFO() || stat.isSocket();
}

function writeInThread(text: string, done: () => void): void {
  const bytes = new TextEncoder().encode(text);
  const from = (offset: number): void => {
    deno?.stdout.write(bytes.subarray(offset)).then((written) => {
      if (offset + written >= bytes.length) done();
      else from(offset + written);
      // There is no reader, and nowhere to report that.
    }, done);
  };
  from(0);
}
