import { readFileSync } from "node:fs";
import { answerText } from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};
/** The page itself, then what it loads. */
const FILES = [
  "index.html",
  "page.css",
  "page.js",
  "elements.js",
  "charts.js",
  "traces.js",
  "log.js",
] as const;

/** The page's own files and its own API, nothing else; the empty icon is a `data:`. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page at `/` and its files beside it. */
export function pageRoutes(): MountedRoute[] {
  return FILES.map((name) => {
    const text = readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
    const headers = {
      "content-type": TYPES[name.split(".")[1] ?? ""] ?? "",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "cache-control": "no-store",
    };
    return {
      method: "get",
      path: name === "index.html" ? "/" : `/${name}`,
      run: (c) => answerText(c, 200, text, headers),
    };
  });
}
