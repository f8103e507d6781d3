import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { expect, test } from "vitest";
import { PROJECT_DIRECTORY } from "../stack/services.ts";

test("a tool ends without a complaint when its reader closes the pipe", async () => {
  const tool = spawn(process.execPath, ["tools/shop.ts", "--help"], { cwd: PROJECT_DIRECTORY });
  tool.stdout.destroy();
  let complaint = "";
  tool.stderr.setEncoding("utf8").on("data", (text: string) => complaint += text);
  const [exitCode] = await once(tool, "close") as [number | null];
  expect({ exitCode, complaint }).toEqual({ exitCode: 0, complaint: "" });
});
