import process from "node:process";
import { createLogger } from "./log.ts";

// A process that writes more than its reader reads, reports on stderr when it has written
// everything, and exits once its stdin is closed.

const [lines = "0"] = process.argv.slice(2);
const FILLING = "x".repeat(200);
/** Longer than any reader of the tests takes. */
const FLUSH_MAX_MS = 20_000;

const log = createLogger({ service: "stack", level: "info", format: "json" });
for (let number = 0; number < Number(lines); number++) log.info("line", { number, FILLING });
// Only when its event loop is not blocked.
setTimeout(() => process.stderr.write(`${log.lost}\n`), 1);
process.stdin.on("end", async () => {
  await log.flush(FLUSH_MAX_MS);
  log.info("the end", { lost: log.lost });
  await log.flush(FLUSH_MAX_MS);
  process.exit(0);
}).resume();
