import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Programs } from "./programs.ts";

/** Debian's, as the `faketime` program itself preloads it. */
const LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1";

/** A PostgreSQL whose clock a test sets. */
export interface SteppingClock {
  /** The program to start instead of the server's. */
  readonly postgres: string;
  /** Sets the offset of its servers' clock from the machine's, in seconds. */
  set(offsetS: number): void;
  remove(): void;
}

/** Steps only the wall clock; servers measure their waits by a monotonic clock. */
export function steppingClock({ postgres }: Pick<Programs, "postgres">): SteppingClock {
  const directory = mkdtempSync(join(tmpdir(), "marketplace-clock-"));
  // The servers run as another account.
  chmodSync(directory, 0o755);
  const offset = join(directory, "offset");
  const program = join(directory, "postgres");
  const set = (offsetS: number) => {
    // A rename is atomic: the file is read whenever the clock is.
    writeFileSync(`${offset}.new`, `${offsetS >= 0 ? "+" : ""}${offsetS}`);
    renameSync(`${offset}.new`, offset);
  };
  set(0);
  const environment = [
    `LD_PRELOAD='${LIBRARY}'`,
    `FAKETIME_TIMESTAMP_FILE='${offset}'`,
    "FAKETIME_NO_CACHE=1",
    "FAKETIME_DONT_FAKE_MONOTONIC=1",
    "FAKETIME_DISABLE_SHM=1",
  ].join(" ");
  writeFileSync(program, `#!/bin/sh\nexec env ${environment} ${postgres} "$@"\n`);
  chmodSync(program, 0o755);
  return {
    postgres: program,
    set,
    remove: () => rmSync(directory, { recursive: true, force: true }),
  };
}
