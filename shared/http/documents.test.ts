import { expect, test } from "vitest";
import { createHttpApp, mount } from "./app.ts";
import { documentRoutes } from "./documents.ts";

const INFO = {
  title: "Cart",
  version: "1.0.0",
  summary: "s",
  description: "d",
  defaultUrl: "http://127.0.0.1:1",
  tags: [],
};

function documentApp() {
  const app = createHttpApp({ observers: [] });
  mount(app, documentRoutes(app, INFO));
  return app;
}

test("/openapi.json is the OpenAPI 3.1 document", async () => {
  const answer = await documentApp().request("/openapi.json");
  expect(await answer.json()).toMatchObject({ openapi: "3.1.0", info: { title: "Cart" } });
});

test.each(["/swagger-ui", "/swagger-ui/"])(
  "%s takes everything it shows from this process, wherever a proxy puts it",
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

test("/swagger-ui may ask the neighbour, and nobody else", async () => {
  const neighbour = { title: "loms", origins: ["http://localhost:8084", "http://127.0.0.1:8084"] };
  const app = createHttpApp({ observers: [] });
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
