import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const BROKEN =
  `axe.run().then(({ violations }) => violations.map(({ id, help }) => id + ": " + help))`;

/** The axe rules that the page violates as shown, contrast included. */
export async function brokenRules(page: Page): Promise<unknown> {
  // Evaluated, because the policies of our pages allow no foreign scripts.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
  return await page.evaluate(BROKEN);
}
