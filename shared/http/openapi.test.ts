import { createRoute } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { z } from "zod";
import { int64Id } from "../../proto/loms/v1/schemas.ts";
import { createHttpApp, mount } from "./app.ts";
import { jsonContent } from "./json-content.ts";
import { openApi30Document, openApiDocument } from "./openapi.ts";
import { problemResponses } from "./problem-schema.ts";

const INFO = {
  title: "Test",
  version: "1.0.0",
  summary: "s",
  description: "d",
  defaultUrl: "http://127.0.0.1:1",
  tags: [{ name: "things", description: "Things" }],
};
const INT64_MAX = 2n ** 63n - 1n;

const route = createRoute({
  method: "get",
  path: "/things/{id}",
  request: {
    params: z.object({ id: int64Id.meta({ description: "Which", param: { example: 1 } }) }),
  },
  responses: {
    200: {
      description: "It",
      content: jsonContent(z.strictObject({ id: int64Id }), { id: INT64_MAX }),
    },
    ...problemResponses(400, 503),
  },
});

function app() {
  const made = createHttpApp({ observers: [] });
  const path = route.path;
  mount(made, [{ method: "get", path, document: route, run: () => new Response() }]);
  return made;
}

test.each([["3.1.0", openApiDocument], ["3.0.3", openApi30Document]])(
  "a document of OpenAPI %s keeps every digit of bounds and examples",
  (version, documentOf) => {
    const text = documentOf(app(), INFO);
    expect(JSON.parse(text)).toMatchObject({ openapi: version, info: { title: "Test" } });
    expect(text.match(/"maximum": 9223372036854775807\b/g)).toHaveLength(4);
    expect(text).toContain(`"id": 9223372036854775807`);
  },
);

test("a document names where it comes from before where the service usually is", () => {
  const { servers } = JSON.parse(openApiDocument(app(), INFO)) as { servers: { url: string }[] };
  expect(servers.map(({ url }) => url)).toEqual([".", "http://127.0.0.1:1"]);
});

test("Retry-After is told of where it may come, and the request's id everywhere", () => {
  const { paths } = JSON.parse(openApiDocument(app(), INFO)) as {
    paths: { "/things/{id}": { get: { responses: Record<string, { headers?: object }> } } };
  };
  const { responses } = paths["/things/{id}"].get;
  expect(Object.keys(responses["400"]?.headers ?? {})).toEqual(["X-Request-Id"]);
  expect(Object.keys(responses["503"]?.headers ?? {})).toEqual(["X-Request-Id", "Retry-After"]);
});
