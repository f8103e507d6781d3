import { fstatSync, write } from "node:fs";
import process from "node:process";
import { BoundedLines, type LineSink } from "./bounded-lines.ts";
import { RUNTIME } from "./runtime.ts";

const STDOUT = 1;
/** Until a pipe that somebody made non-blocking is asked again. */
const FULL_PIPE_RETRY_MS = 10;

/** Lines to stdout that never hold up the process, not even when it exits. */
export function stdoutLines(onDropped: (lines: number) => void): BoundedLines {
  // Deno writes to a pipe at once and waits for its reader; a thread of its own can wait instead.
  if (RUNTIME.name === "deno" && isPipe()) {
    return new BoundedLines({ sink: writeInThread, onDropped });
  }
  const lines = new BoundedLines({ sink: writeToStream, onDropped });
  process.on("exit", () => {
    const rest = lines.takeWaiting();
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
    write(STDOUT, bytes, offset, bytes.length - offset, null, (error, written) => {
      if (error?.code === "EAGAIN") setTimeout(from, FULL_PIPE_RETRY_MS, offset);
      // Any other error: nobody reads any more, and there is nowhere to say so.
      else if (error || offset + written >= bytes.length) done();
      else from(offset + written);
    });
  };
  from(0);
}
