import { answerText } from "./answer.ts";
import type { HttpApp, MountedRoute } from "./app.ts";
import { type DocumentInfo, openApiDocument } from "./openapi.ts";
import { type Neighbour, swaggerUiRoutes } from "./swagger-ui.ts";

/** `/openapi.json`, generated from the routes mounted on `app`, and the page that shows it. */
export function documentRoutes(
  app: HttpApp,
  info: DocumentInfo,
  neighbour?: Neighbour,
): MountedRoute[] {
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
    ...swaggerUiRoutes(info.title, neighbour),
  ];
}
