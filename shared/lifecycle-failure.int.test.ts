import { spawnSync } from "node:child_process";
import process from "node:process";
import { expect, test } from "vitest";

test("runUntilSignal() exits with 1 and the reason when the running service fails", () => {
  const program = `
    import { runUntilSignal } from "${new URL("lifecycle.ts", import.meta.url).href}";
    const log = { error: (message, { error }) => console.log(message + ": " + error.message) };
    const failed = new Promise((_, reject) => setTimeout(() => reject(new Error("ended")), 50));
    setInterval(() => {}, 1_000);
    await runUntilSignal(log, async () => ({ failed, close: async () => {} }));
  `;
  const args = "Deno" in globalThis ? ["eval", program] : ["--input-type=module", "-e", program];
  const { status, stdout } = spawnSync(process.execPath, args, {
    encoding: "utf8",
    timeout: 15_000,
  });
  expect({ status, stdout }).toEqual({ status: 1, stdout: "the service stops: ended\n" });
});
