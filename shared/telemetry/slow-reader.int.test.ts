import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";

const FIXTURE = fileURLToPath(new URL("slow-reader-fixture.ts", import.meta.url));
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];
/** 14 MB: a pipe holds 64 KiB, and the queue 4 MiB. */
const LINES = 40_000;

interface Line {
  readonly message: string;
  readonly number?: number;
  readonly lines?: number;
  readonly lost?: number;
}

function startWriter(lineCount = LINES) {
  const child = spawn(process.execPath, [...RUN, FIXTURE, String(lineCount)], { stdio: "pipe" });
  onTestFinished(() => void child.kill("SIGKILL"));
  const { stdin, stdout, stderr } = child;
  let said = "";
  stderr.setEncoding("utf8").on("data", (text: string) => said += text);
  return {
    child,
    /** Resolves with the number of lines lost so far, before any was read. */
    through: new Promise<number>((resolve) => stderr.once("data", () => resolve(Number(said)))),
    readAll(): Promise<Line[]> {
      stdin.end();
      let text = "";
      stdout.setEncoding("utf8").on("data", (chunk: string) => text += chunk);
      return new Promise((resolve) => {
        child.once("close", () => {
          resolve(text.trimEnd().split("\n").map((line) => JSON.parse(line) as Line));
        });
      });
    },
  };
}

test("a reader that stops reading delays no writer, and lost lines are counted", async () => {
  const { through, readAll } = startWriter();
  const lost = await through;
  expect(lost).toBeGreaterThan(0);
  const lines = await readAll();
  const numbers = lines.flatMap(({ number }) => number ?? []);
  expect(numbers.length + lost).toBe(LINES);
  // In order, and complete up to the first lost line.
  expect(numbers).toEqual(Array.from(numbers, (_, index) => index));
  expect(lines.at(-2)).toMatchObject({ lines: lost });
  expect(lines.at(-1)).toMatchObject({ message: "the end", lost });
});

test("a reader that closes the pipe does not end the process", async () => {
  const { child } = startWriter(1);
  child.stdout.destroy();
  await once(child.stdout, "close");
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
});
