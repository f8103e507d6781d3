import { createRoute } from "@hono/zod-openapi";
import { expect, test } from "vitest";
import { z } from "zod";
import { int64Id } from "../../proto/loms/v1/schemas.ts";
import { createHttpApp, mount } from "./app.ts";
import { jsonContent, problemResponses } from "./document-responses.ts";
import { documentRoutes, openApi30Document, openApiDocument } from "./openapi.ts";

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
  const made = createHttpApp();
  const path = route.path;
  mount(made, [{ method: "get", path, document: route, run: () => new Response() }]);
  return made;
}

test.each([["3.1.0", openApiDocument], ["3.0.3", openApi30Document]])(
  "a document of OpenAPI %s keeps every digit of bounds and examples",
  (version, documentOf) => {
    const text = documentOf(app(), INFO);
    expect(JSON.parse(text)).toMatchObject({ openapi: version, info: { title: "Test" } });
    expect(text.match(/"maximum": 9223372036854775807\b/g)).toHaveLength(5);
    expect(text).toContain(`"id": 9223372036854775807`);
  },
);

test("a document names its own origin before the default URL", () => {
  const { servers } = JSON.parse(openApiDocument(app(), INFO)) as { servers: { url: string }[] };
  expect(servers.map(({ url }) => url)).toEqual([".", "http://127.0.0.1:1"]);
});

test("a document has Retry-After where it may occur, and X-Request-Id everywhere", () => {
  const { paths } = JSON.parse(openApiDocument(app(), INFO)) as {
    paths: { "/things/{id}": { get: { responses: Record<string, { headers?: object }> } } };
  };
  const { responses } = paths["/things/{id}"].get;
  expect(Object.keys(responses["400"]?.headers ?? {})).toEqual(["X-Request-Id"]);
  expect(Object.keys(responses["503"]?.headers ?? {})).toEqual(["X-Request-Id", "Retry-After"]);
});

function documentApp() {
  const app = createHttpApp();
  mount(app, documentRoutes(app, INFO));
  return app;
}

test("/openapi.json is the OpenAPI 3.1 document", async () => {
  const answer = await documentApp().request("/openapi.json");
  expect(await answer.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Test" } });
});

test.each(["/swagger-ui", "/swagger-ui/"])(
  "%s loads everything from this process, behind any path prefix",
  async (path) => {
    const app = documentApp();
    const answer = await app.request(path);
    expect(answer.headers.get("content-security-policy")).toContain("script-src 'self'");
    const links = [...(await answer.text()).matchAll(/(?:src|href)="([^"]+)"/g)];
    expect(links).toHaveLength(5);
    for (const [, link = ""] of links) {
      const { pathname } = new URL(link, `http://proxy/shop/cart${path}`);
      expect(pathname).toMatch(/^\/shop\/cart\/swagger-ui\/[^/]+$/);
      expect((await app.request(pathname.slice("/shop/cart".length))).status, link).toBe(200);
    }
  },
);

test("/swagger-ui may call the neighbour only", async () => {
  const neighbour = { title: "loms", origins: ["http://localhost:8084", "http://127.0.0.1:8084"] };
  const app = createHttpApp();
  mount(app, documentRoutes(app, INFO, neighbour));
  const { headers } = await app.request("/swagger-ui");
  const policy = headers.get("content-security-policy");
  expect(policy).toContain("connect-src 'self' http://localhost:8084 http://127.0.0.1:8084;");
});

test("/swagger-ui serves no other file", async () => {
  const app = documentApp();
  for (const name of ["package.json", "..%2fpackage.json", "toString", "index.html"]) {
    expect((await app.request(`/swagger-ui/${name}`)).status, name).toBe(404);
  }
});
