import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";

/** The path of Debian's package, which fits the machine better than the one from npm. */
const INSTALLED = ["/usr/bin/chromium"];
const CACHE = fileURLToPath(new URL("../node_modules/.cache/chromium/", import.meta.url));
/** Timeout of one action or one change on a page, for a busy machine. */
const STEP_MAX_MS = 60_000;
/** No requests to Google's servers, and no sandbox, which root cannot use. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
];

/**
 * Headless Chromium: the installed one, else the one of the package @sparticuz/chromium. Only the
 * binary of that package is used, because its arguments disable the rules of origins that the tests
 * check.
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = INSTALLED.find((path) => existsSync(path)) ?? await unpackedChromium();
  return await chromium.launch({ executablePath, args: ARGUMENTS });
}

async function unpackedChromium(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve("@sparticuz/chromium");
  const packed = join(dirname(entry), "..", "bin", "chromium.br");
  const path = join(CACHE, "chromium");
  if (existsSync(path)) return path;
  mkdirSync(CACHE, { recursive: true });
  // Another process may unpack it, too. Each writes its own file and then renames it.
  const unfinished = `${path}.${process.pid}`;
  const binary = createWriteStream(unfinished, { mode: 0o755 });
  await pipeline(createReadStream(packed), createBrotliDecompress(), binary);
  renameSync(unfinished, path);
  return path;
}

/** A page with its own profile, and the problems that the browser reported on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, and failed requests, in their order. */
  readonly complaints: readonly string[];
}

/** Opens an empty page with its own cookies and caches; closing the browser closes it. */
export async function openPage(browser: Browser): Promise<WatchedPage> {
  const context = await browser.newContext();
  const page = await context.newPage();
  page.setDefaultTimeout(STEP_MAX_MS);
  const complaints: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") complaints.push(message.text());
  });
  page.on("pageerror", (error) => void complaints.push(String(error)));
  page.on("requestfailed", (request) => {
    complaints.push(`${request.method()} ${request.url()}: ${request.failure()?.errorText}`);
  });
  return { page, complaints };
}
