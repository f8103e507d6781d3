import { closeSync, fstatSync, ftruncateSync, openSync, readSync } from "node:fs";

/** How soon a written line is passed on; a poll is one fstat. */
const POLL_MS = 20;
/** The same once nothing has been written for a while: four files take 0.1 % of a core. */
const QUIET_POLL_MS = 160;
const CHUNK_BYTES = 64 << 10;
/** The file is emptied when it has grown beyond this; what is written meanwhile is not seen. */
const FILE_MAX_BYTES = 256 << 20;
const NEWLINE = 0x0a;

/**
 * Passes on the lines that a process appends to its log file. Processes write to files and not to
 * pipes because what they have written stays, also when this process is killed: a notification
 * counts as shown once it is written.
 */
export class LogTail {
  readonly #file: number;
  readonly #onLine: (line: string) => void;
  #timer: NodeJS.Timeout | undefined;
  readonly #maxBytes: number;
  #offset: number;
  #rest: Buffer = Buffer.alloc(0);

  /**
   * Starts with what is written from now on.
   * @param role the owner makes the file and empties it when it has grown too large
   */
  constructor(path: string, onLine: (line: string) => void, role: "owner" | "reader" = "owner") {
    this.#file = openSync(path, role === "owner" ? "a+" : "r", 0o600);
    this.#maxBytes = role === "owner" ? FILE_MAX_BYTES : Infinity;
    this.#offset = fstatSync(this.#file).size;
    this.#onLine = onLine;
    this.#pollIn(POLL_MS);
  }

  /** Passes on what is left. */
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
