import { createHash } from "node:crypto";
import type { MountedRoute } from "./exchange.ts";
import { documentAnswer } from "./document-answer.ts";
import type { DocumentInfo } from "./openapi.ts";

type Named = Pick<DocumentInfo, "title" | "summary">;

export interface StartLink {
  readonly path: string;
  /** One or two words. */
  readonly name: string;
  /** A sentence without a full stop. */
  readonly about: string;
}

/** The links to the API documents of a service. */
export const DOCUMENT_LINKS: readonly StartLink[] = [
  { path: "/swagger-ui", name: "Try it", about: "Every operation with a form that sends it" },
  { path: "/openapi.json", name: "OpenAPI", about: "The same for programs, OpenAPI 3.1" },
];

/** The links for operators. */
export const OPERATION_LINKS: readonly StartLink[] = [
  { path: "/readyz", name: "Readiness", about: "Whether it can serve, or the reasons why not" },
  { path: "/healthz", name: "Health", about: "Whether the process runs" },
  { path: "/metrics", name: "Metrics", about: "Numbers for Prometheus" },
];

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2330; --quiet: #566072; --surface: #f6f7f9;
  --card: #fff; --line: #d9dee6; --link: #0b57d0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --quiet: #a3adbd;
  --surface: #14171c; --card: #1d2229; --line: #333b47; --link: #8ab4f8; } }
body { margin: 0; background: var(--surface); color: var(--ink);
  font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 42rem; margin: 0 auto; padding: clamp(1.5rem, 8vh, 5rem) 1.25rem; }
h1 { margin: 0; font-size: 2.25rem; line-height: 1.2; }
p { margin: .5rem 0 2rem; color: var(--quiet); font-size: 1.125rem; }
ul { display: grid; gap: .75rem; grid-template-columns: repeat(auto-fill, minmax(16rem, 1fr));
  margin: 0; padding: 0; list-style: none; }
a { display: block; height: 100%; box-sizing: border-box; padding: .875rem 1rem;
  border: 1px solid var(--line); border-radius: .5rem; background: var(--card);
  color: inherit; text-decoration: none; }
a:hover { border-color: var(--link); }
a:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
strong { color: var(--link); }
code { float: right; color: var(--quiet); font-size: .875rem; line-height: 1.75; }
span { display: block; clear: both; color: var(--quiet); font-size: .9375rem; }
`;

/** Without the trailing slash of a path prefix, relative links would leave the prefix. */
const SCRIPT = `if (!location.pathname.endsWith("/")) location.pathname += "/";`;

/**
 * `/`: the name and the links of the service, on a page without other resources. Its texts are not
 * escaped: no `<` or `&`.
 */
export function startPageRoute(service: Named, links: readonly StartLink[]): MountedRoute {
  const html = page(service, links);
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": contentSecurityPolicy(),
  };
  return { method: "get", path: "/", run: documentAnswer(html, headers) };
}

/** Allows the one style, the one script and the empty icon; forbids frames. */
function contentSecurityPolicy(): string {
  return `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; ` +
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

function hashOf(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}

function page({ title, summary }: Named, links: readonly StartLink[]): string {
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="icon" href="data:,">
  <script>${SCRIPT}</script>
  <style>${STYLE}</style>
</head>
<body>
  <main>
    <h1>${title}</h1>
    <p>${summary}</p>
    <nav aria-label="What is here">
      <ul>${links.map(card).join("")}
      </ul>
    </nav>
  </main>
</body>
</html>
`;
}

function card({ path, name, about }: StartLink): string {
  return `
        <li><a href="${
    path.slice(1)
  }"><code>${path}</code><strong>${name}</strong><span>${about}</span></a></li>`;
}
