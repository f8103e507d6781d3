import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const BROKEN =
  `axe.run().then(({ violations }) => violations.map(({ id, help }) => id + ": " + help))`;

/** What axe calls each rule that the page breaks as it is shown, contrast among them. */
export async function brokenRules(page: Page): Promise<unknown> {
  // Evaluated, because the policies of our pages take no script of others.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core"), "utf8"));
  return await page.evaluate(BROKEN);
}
