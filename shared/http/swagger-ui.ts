import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { SwaggerUI } from "@hono/swagger-ui";
import { AppError } from "../errors.ts";
import { answerText } from "./answer.ts";
import type { MountedRoute } from "./app.ts";

const UI_PATH = "/swagger-ui";
const SCRIPT_TYPE = "text/javascript; charset=utf-8";
const packageFile = (name: string) => () =>
  createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);
const ownFile = (name: string) => () => fileURLToPath(new URL(name, import.meta.url));

/** All that the page is made of; nothing else of swagger-ui-dist is served. */
const FILES: ReadonlyMap<string, { readonly type: string; readonly path: () => string }> = new Map([
  ["start.js", { type: SCRIPT_TYPE, path: ownFile("swagger-ui-start.js") }],
  ["swagger-ui-bundle.js", { type: SCRIPT_TYPE, path: packageFile("swagger-ui-bundle.js") }],
  ["swagger-ui.css", { type: "text/css; charset=utf-8", path: packageFile("swagger-ui.css") }],
  ["favicon-32x32.png", { type: "image/png", path: packageFile("favicon-32x32.png") }],
]);
/** The page talks to its own origin only; Swagger UI sets styles inline. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Swagger UI of `/openapi.json` at `/swagger-ui`, served wholly from this process. */
export function swaggerUiRoutes(title: string): MountedRoute[] {
  const read = new Map<string, Uint8Array<ArrayBuffer>>();
  return [
    {
      method: "get",
      path: UI_PATH,
      run: (c) =>
        answerText(c, 200, page(title), {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": CONTENT_SECURITY_POLICY,
        }),
    },
    {
      method: "get",
      path: `${UI_PATH}/{file}`,
      async run(c) {
        const name = c.req.path.slice(UI_PATH.length + 1);
        const file = FILES.get(name);
        if (file === undefined) throw new AppError("not_found", "There is no such file");
        const bytes = read.get(name) ?? await readFile(file.path());
        read.set(name, bytes);
        return answerText(c, 200, bytes, { "content-type": file.type });
      },
    },
  ];
}

function page(title: string): string {
  const ui = SwaggerUI({
    url: "/openapi.json",
    manuallySwaggerUIHtml: () =>
      `<div id="swagger-ui"></div>
  <script src="${UI_PATH}/swagger-ui-bundle.js"></script>
  <script src="${UI_PATH}/start.js"></script>`,
  });
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>${title}</title>
  <link rel="icon" href="${UI_PATH}/favicon-32x32.png">
  <link rel="stylesheet" href="${UI_PATH}/swagger-ui.css">
</head>
<body>
  ${ui}
</body>
</html>
`;
}
