import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const FIXTURE = fileURLToPath(new URL("goaway-fixture.ts", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "-A", "--v8-flags=--expose-gc"] : ["--expose-gc"];

test.each(["server", "client"])(
  "a process survives a %s that ends an idle connection",
  async (side) => {
    const said = await new Promise<string>((resolve) => {
      execFile(process.execPath, [...RUN, FIXTURE, side], (error, out, complaint) => {
        resolve(error ? `${error.signal ?? error.code}: ${complaint}` : out);
      });
    });
    expect(said).toBe("alive\n");
  },
);
