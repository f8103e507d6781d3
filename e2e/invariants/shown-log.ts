import { closeSync, openSync, readSync } from "node:fs";
import { parseJson } from "../../shared/json.ts";

const CHUNK_BYTES = 1 << 20;
const NEWLINE = 0x0a;
/** The first line of a notifier; its death explains repeats after this line. */
const STARTED = "notifier is listening";

/** One notification as it was printed. */
export interface Shown {
  readonly orderId: string;
  readonly userId: string;
  readonly seq: number;
  readonly status: string;
  /** When it was printed, from the log. */
  readonly printedAt: string;
  /** The run of the notifier that printed it. */
  readonly run: string;
}

interface Line {
  readonly timestamp?: string;
  readonly message?: string;
  readonly order_id?: number | bigint;
  readonly user_id?: number | bigint;
  readonly seq?: number;
  readonly status?: string;
}

/** The output of a notifier; each reading continues where the last one ended. */
export class ShownLog {
  readonly #path: string;
  #offset = 0;
  #rest: Buffer = Buffer.alloc(0);
  #runs = 0;
  #beginsAt: string | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** When its first line was written; undefined while there is none. */
  get beginsAt(): string | undefined {
    return this.#beginsAt;
  }

  /** The notifications since the last reading. */
  *read(): Generator<Shown> {
    const file = openSync(this.#path, "r");
    try {
      const chunk = Buffer.alloc(CHUNK_BYTES);
      for (;;) {
        const length = readSync(file, chunk, 0, CHUNK_BYTES, this.#offset);
        if (length === 0) return;
        this.#offset += length;
        yield* this.#take(Buffer.concat([this.#rest, chunk.subarray(0, length)]));
      }
    } finally {
      closeSync(file);
    }
  }

  *#take(text: Buffer): Generator<Shown> {
    const end = text.lastIndexOf(NEWLINE) + 1;
    this.#rest = text.subarray(end);
    for (const line of text.subarray(0, end).toString("utf8").split("\n")) {
      const shown = this.#toShown(parseLine(line));
      if (shown) yield shown;
    }
  }

  #toShown({ timestamp = "", message, order_id, user_id, seq, status }: Line): Shown | undefined {
    if (timestamp !== "") this.#beginsAt ??= timestamp;
    if (message === STARTED) this.#runs++;
    if (order_id === undefined || seq === undefined) return undefined;
    return {
      orderId: String(order_id),
      userId: String(user_id),
      seq,
      status: status ?? "",
      printedAt: timestamp,
      run: `${this.#path} ${this.#runs}`,
    };
  }
}

/** Messages of a runtime, and the line in which a process was killed, are not JSON. */
function parseLine(line: string): Line {
  if (!line.startsWith("{")) return {};
  try {
    return parseJson(line) as Line;
  } catch {
    return {};
  }
}
