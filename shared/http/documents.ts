import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { SwaggerUI } from "@hono/swagger-ui";
import { answerText } from "./answer.ts";
import type { HttpApp, MountedRoute } from "./app.ts";
import { AppError } from "../errors.ts";

export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

const UI_PATH = "/swagger-ui";
/** All that the page needs of swagger-ui-dist; nothing else of that folder is served. */
const ASSET_TYPES: Readonly<Record<string, string>> = {
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
  "swagger-ui.css": "text/css; charset=utf-8",
  "favicon-32x32.png": "image/png",
};
/** The page talks to its own origin only; Swagger UI sets styles inline. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/** Starts the page; a file of its own, because the policy allows no inline script. */
const START_SCRIPT = `window.ui = SwaggerUIBundle({
  url: "/openapi.json",
  dom_id: "#swagger-ui",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

/**
 * `/openapi.json`, generated from the routes mounted on `app`, and Swagger UI at `/swagger-ui`,
 * served wholly from this process.
 */
export function documentRoutes(app: HttpApp, info: DocumentInfo): MountedRoute[] {
  let document: string | undefined;
  const assets = new Map<string, Uint8Array<ArrayBuffer>>();
  return [
    {
      method: "get",
      path: "/openapi.json",
      run(c) {
        document ??= openApiDocument(app, info);
        return answerText(c, 200, document, { "content-type": "application/json" });
      },
    },
    {
      method: "get",
      path: UI_PATH,
      run: (c) =>
        answerText(c, 200, page(info.title), {
          "content-type": "text/html; charset=utf-8",
          "content-security-policy": CONTENT_SECURITY_POLICY,
        }),
    },
    {
      method: "get",
      path: `${UI_PATH}/start.js`,
      run: (c) =>
        answerText(c, 200, START_SCRIPT, { "content-type": "text/javascript; charset=utf-8" }),
    },
    {
      method: "get",
      path: `${UI_PATH}/{file}`,
      async run(c) {
        const name = c.req.path.slice(UI_PATH.length + 1);
        const type = Object.hasOwn(ASSET_TYPES, name) ? ASSET_TYPES[name] : undefined;
        if (type === undefined) throw new AppError("not_found", "There is no such file");
        const asset = assets.get(name) ?? await readAsset(name);
        assets.set(name, asset);
        return answerText(c, 200, asset, { "content-type": type });
      },
    },
  ];
}

/** The OpenAPI 3.1 document of everything mounted on `app`, as JSON text. */
export function openApiDocument(app: HttpApp, info: DocumentInfo): string {
  return JSON.stringify(app.getOpenAPI31Document({ openapi: "3.1.0", info: { ...info } }), null, 2);
}

function readAsset(name: string): Promise<Uint8Array<ArrayBuffer>> {
  const path = createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`);
  return readFile(path);
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
