import { jsonIntegers } from "../json.ts";
import type { HttpApp } from "./app.ts";
import type { MountedRoute } from "./exchange.ts";
import { type DocumentAnswer, documentAnswer } from "./document-answer.ts";
import { type Neighbour, swaggerUiRoutes } from "./swagger-ui.ts";

const JSON_TYPE = { "content-type": "application/json" };

/** The service's part of a document. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  /** One line without a full stop. */
  readonly summary: string;
  readonly description: string;
  /** The default address of the service. */
  readonly defaultUrl: string;
  readonly tags: readonly { readonly name: string; readonly description: string }[];
}

/** `/openapi.json`, generated from the routes mounted on `app`, and Swagger UI. */
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
        // Generated at the first request, when every route of the app is mounted.
        answer ??= documentAnswer(openApiDocument(app, info), JSON_TYPE);
        return answer(c);
      },
    },
    ...swaggerUiRoutes(info.title, neighbour),
  ];
}

/** The OpenAPI 3.1 document of everything mounted on `app`, as JSON text. */
export function openApiDocument(app: HttpApp, info: DocumentInfo): string {
  const document = app.getOpenAPI31Document({ openapi: "3.1.0", ...head(info) });
  return textOf(withRequestId(document));
}

/** The same in OpenAPI 3.0, for generators that cannot read 3.1. */
export function openApi30Document(app: HttpApp, info: DocumentInfo): string {
  const document = app.getOpenAPIDocument({ openapi: "3.0.3", ...head(info) });
  return textOf(withRequestId(document));
}

function head({ title, version, summary, description, defaultUrl, tags }: DocumentInfo) {
  const license = { name: "MIT", url: "https://opensource.org/license/mit" };
  return {
    info: { title, version, description: `${summary}.\n\n${description}`, license },
    servers: [
      // First, so that Swagger UI calls the service of the document; relative, so that it works
      // behind a path prefix.
      { url: ".", description: "The service of this document" },
      { url: defaultUrl, description: "`npm start` on this machine" },
    ],
    tags: [...tags],
    // The services run behind the shop's own front and have no authentication.
    security: [],
  };
}

const REQUEST_ID = {
  description: "The caller's `X-Request-Id` if valid, else a new one; also in the service's log",
  required: true,
  schema: { type: "string", minLength: 1, maxLength: 128 },
} as const;

type Responses = Readonly<Record<string, { headers?: object }>>;
interface DescribedPaths {
  readonly components?: { headers?: object };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, { responses: Responses }>>>>;
}

/** Adds the header that every answer has. */
function withRequestId(document: object): object {
  const { paths = {}, components = {} } = document as DescribedPaths;
  const responses = Object.values(paths)
    .flatMap((verbs) => Object.values(verbs))
    .flatMap((operation) => Object.values(operation.responses));
  const reference = { "X-Request-Id": { $ref: "#/components/headers/X-Request-Id" } };
  for (const response of responses) response.headers = { ...reference, ...response.headers };
  components.headers = { "X-Request-Id": REQUEST_ID, ...components.headers };
  return document;
}

/** Bounds and examples of int64 are bigints, with every digit. */
function textOf(document: object): string {
  return `${JSON.stringify(document, jsonIntegers, 2)}\n`;
}
