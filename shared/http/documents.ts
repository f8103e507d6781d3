import type { HttpApp, MountedRoute } from "./app.ts";
import { type DocumentAnswer, documentAnswer } from "./document-answer.ts";
import { type DocumentInfo, openApiDocument } from "./openapi.ts";
import { type Neighbour, swaggerUiRoutes } from "./swagger-ui.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** `/openapi.json`, generated from the routes mounted on `app`, and the page that shows it. */
export function documentRoutes(
  app: HttpApp,
  info: DocumentInfo,
  neighbour?: Neighbour,
): MountedRoute[] {
  let answer: DocumentAnswer | undefined;
  return [
    {
      method: "get",
      path: "/openapi.json",
      run(c) {
        // Not before it is asked for: every route of the app is mounted by then.
        answer ??= documentAnswer(openApiDocument(app, info), JSON_TYPE);
        return answer(c);
      },
    },
    ...swaggerUiRoutes(info.title, neighbour),
  ];
}
