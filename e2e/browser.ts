import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import process from "node:process";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createBrotliDecompress } from "node:zlib";
import { type Browser, chromium, type Page } from "playwright-core";

/** Where Debian puts its package; it fits the machine better than one that npm brings. */
const INSTALLED = ["/usr/bin/chromium"];
const CACHE = fileURLToPath(new URL("../node_modules/.cache/chromium/", import.meta.url));
/** For one thing that is done or shown on a page; a busy machine takes its time. */
const STEP_MAX_MS = 60_000;
/** Nothing that looks for its maker's servers, and no sandbox, which root cannot have. */
const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--disable-background-networking",
];

/**
 * Chromium without a window: the installed one, else the one of the package @sparticuz/chromium.
 * Its binary is all that is taken of that package, whose arguments switch off the very rules of
 * origins that pages are tested for.
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
  // Another process may unpack it, too: each writes a file of its own, which then appears whole.
  const unfinished = `${path}.${process.pid}`;
  const binary = createWriteStream(unfinished, { mode: 0o755 });
  await pipeline(createReadStream(packed), createBrotliDecompress(), binary);
  renameSync(unfinished, path);
  return path;
}

/** A page of its own profile, and everything that the browser found to complain about on it. */
export interface WatchedPage {
  readonly page: Page;
  /** Console errors and warnings, uncaught errors, and requests that failed, as they came. */
  readonly complaints: readonly string[];
}

/** Opens an empty page, without cookies and caches of others; closing the browser closes it. */
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
