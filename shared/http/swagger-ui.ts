import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { SwaggerUI } from "@hono/swagger-ui";
import { AppError } from "../errors.ts";
import type { MountedRoute } from "./exchange.ts";
import { type DocumentAnswer, documentAnswer } from "./document-answer.ts";

const UI_PATH = "/swagger-ui";
const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const OWN_FILE = "start.js";

/** The types of the page's files, the only ones of swagger-ui-dist that are served. */
const FILE_TYPES: ReadonlyMap<string, string> = new Map([
  [OWN_FILE, SCRIPT_TYPE],
  ["swagger-ui-bundle.js", SCRIPT_TYPE],
  ["swagger-ui-standalone-preset.js", SCRIPT_TYPE],
  ["swagger-ui.css", "text/css; charset=utf-8"],
  ["favicon-32x32.png", "image/png"],
]);

/** Another service with a document on this page; it allows the origin of this one. */
export interface Neighbour {
  readonly title: string;
  /** Its origins, as browsers see them. */
  readonly origins: readonly string[];
}

const ALONE: Neighbour = { title: "", origins: [] };

/**
 * Swagger UI at `/swagger-ui`, for `/openapi.json` and that of the neighbour. All files come from
 * this process. Links are relative, because a proxy may add a path prefix, so the page with a
 * trailing slash in its address differs from the one without.
 */
export function swaggerUiRoutes(title: string, neighbour = ALONE): MountedRoute[] {
  const answers = new Map<string, DocumentAnswer>();
  const headers = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": contentSecurityPolicy(neighbour),
  };
  const beside = documentAnswer(page(title, neighbour, UI_PATH.slice(1)), headers);
  const inside = documentAnswer(page(title, neighbour, "."), headers);
  return [
    {
      method: "get",
      path: UI_PATH,
      run: (c) => new URL(c.req.raw.url).pathname.endsWith("/") ? inside(c) : beside(c),
    },
    {
      method: "get",
      path: `${UI_PATH}/{file}`,
      async run(c) {
        const name = c.req.path.slice(UI_PATH.length + 1);
        const type = FILE_TYPES.get(name);
        if (type === undefined) throw new AppError("not_found", "There is no such file");
        const answer = answers.get(name) ??
          documentAnswer(await readFile(pathOf(name)), { "content-type": type });
        answers.set(name, answer);
        return answer(c);
      },
    },
  ];
}

function pathOf(name: string): string | URL {
  if (name === OWN_FILE) return new URL("swagger-ui-start.js", import.meta.url);
  return createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);
}

/** The page may connect to the two services only. Swagger UI sets styles inline. */
function contentSecurityPolicy({ origins }: Neighbour): string {
  return "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
    `img-src 'self' data:; connect-src ${["'self'", ...origins].join(" ")}; ` +
    "base-uri 'none'; frame-ancestors 'none'";
}

/** `files` is the path of the page's files, relative to the page. */
function page(title: string, neighbour: Neighbour, files: string): string {
  const ui = SwaggerUI({
    url: "openapi.json",
    manuallySwaggerUIHtml: () =>
      `<div id="swagger-ui" data-title="${title}"
    data-neighbour="${neighbour.title}" data-origins="${neighbour.origins.join(" ")}"></div>
  <script src="${files}/swagger-ui-bundle.js"></script>
  <script src="${files}/swagger-ui-standalone-preset.js"></script>
  <script src="${files}/start.js"></script>`,
  });
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="icon" href="${files}/favicon-32x32.png">
  <link rel="stylesheet" href="${files}/swagger-ui.css">
</head>
<body>
  ${ui}
</body>
</html>
`;
}
