import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";

/** Interval between polls for new lines; a poll is one fstat. */
const POLL_MS = 20;
/** The same after a quiet period: four files take 0.1 % of a core. */
const QUIET_POLL_MS = 160;
const CHUNK_BYTES = 64 << 10;
/** A file larger than this is emptied; lines written meanwhile are not passed on. */
const FILE_MAX_BYTES = 256 << 20;
const NEWLINE = 0x0a;

/**
 * Passes on the lines that a process appends to its log file. Processes write to files, not pipes,
 * so that their output survives a kill of this process: a notification counts as shown once it is
 * written.
 */
export class LogTail {
  readonly #file: number;
  readonly #onLine: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #maxBytes: number;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Starts at the current end of the file.
   * @param role the owner creates the file, and empties it when it is too large
   */
  constructor(path: string, onLine: (line: string) => void, role: "owner" | "reader" = "owner") {
    this.#file = openSync(path, role === "owner" ? "a+" : "r", 0o600);
    this.#maxBytes = role === "owner" ? FILE_MAX_BYTES : Infinity;
    this.#offset = fstatSync(this.#file).size;
    this.#onLine = onLine;
    this.#pollIn(POLL_MS);
  }

  /** Passes on the remaining lines. */
  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#read();
    closeSync(this.#file);
  }

  #pollIn(delayMs: number): void {
    this.#timer = setTimeout(() => {
      const before = this.#offset;
      this.#read();
      if (this.#timer === undefined) return;
      const grew = this.#offset !== before;
      this.#pollIn(grew ? POLL_MS : Math.min(delayMs * 2, QUIET_POLL_MS));
    }, delayMs);
  }

  #read(): void {
    const { size } = fstatSync(this.#file);
    // Its owner has emptied the file.
    if (size < this.#offset) this.#offset = 0;
    while (this.#offset < size) {
      const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, size - this.#offset));
      const length = readSync(this.#file, chunk, 0, chunk.length, this.#offset);
      if (length === 0) break;
      this.#offset += length;
      this.#take(chunk.subarray(0, length));
    }
    if (this.#offset > this.#maxBytes) {
      ftruncateSync(this.#file);
      this.#offset = 0;
    }
  }

  #take(chunk: Buffer): void {
    const end = chunk.lastIndexOf(NEWLINE);
    if (end < 0) {
      this.#rest = Buffer.concat([this.#rest, chunk]);
      return;
    }
    const lines = Buffer.concat([this.#rest, chunk.subarray(0, end)]).toString("utf8");
    this.#rest = Buffer.from(chunk.subarray(end + 1));
    for (const line of lines.split("\n")) this.#onLine(line);
  }
}
