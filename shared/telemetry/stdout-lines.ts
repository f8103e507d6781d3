import { fstatSync } from "node:fs";
import process from "node:process";
import { BoundedLines, type LineSink } from "./bounded-lines.ts";

const STDOUT = 1;
/** Deno's own way to a pipe; node:fs and process.stdout block the process. */
const deno = (globalThis as { Deno?: { stdout: { write(bytes: Uint8Array): Promise<number> } } })
  .Deno;

/** Lines to stdout that never block the process, not even when it exits. */
export function stdoutLines(onDropped: (lines: number) => void): BoundedLines {
  // Deno writes to a pipe at once and waits for its reader; a thread of its own can wait instead.
  const mayWait = deno !== undefined && isPipe();
  const lines = new BoundedLines({ sink: mayWait ? writeInThread : writeToStream, onDropped });
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
      // There is no reader any more, and nowhere to report that.
    }, done);
  };
  from(0);
}
