import { answerText } from "./answer.ts";
import type { HttpApp, MountedRoute } from "./app.ts";
import { swaggerUiRoutes } from "./swagger-ui.ts";

export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  readonly description: string;
}

/** `/openapi.json`, generated from the routes mounted on `app`, and the page that shows it. */
export function documentRoutes(app: HttpApp, info: DocumentInfo): MountedRoute[] {
  let document: string | undefined;
  return [
    {
      method: "get",
      path: "/openapi.json",
      run(c) {
        document ??= openApiDocument(app, info);
        return answerText(c, 200, document, { "content-type": "application/json" });
      },
    },
    ...swaggerUiRoutes(info.title),
  ];
}

/** The OpenAPI 3.1 document of everything mounted on `app`, as JSON text. */
export function openApiDocument(app: HttpApp, info: DocumentInfo): string {
  return JSON.stringify(app.getOpenAPI31Document({ openapi: "3.1.0", info: { ...info } }), null, 2);
}
