import { expect, test } from "vitest";
import { answerJson, createHttpApp, mount } from "./app.ts";
import { requireBearer } from "./bearer.ts";

const TOKEN = "abc.DEF-123_~+/==";

function answering(token: string | undefined) {
  const app = createHttpApp();
  mount(
    app,
    requireBearer([{ method: "post", path: "/do", run: (c) => answerJson(c, 200, {}) }], token),
  );
  return async (authorization?: string, path = "/do", method = "POST") => {
    const headers = authorization === undefined ? {} : { authorization };
    return await app.request(path, { method, headers });
  };
}

test.each([`Bearer ${TOKEN}`, `bearer  ${TOKEN}`])("the token opens a route: %s", async (sent) => {
  expect((await answering(TOKEN)(sent)).status).toBe(200);
});

test.each([
  [undefined, "Authorization has no bearer token"],
  ["", "Authorization has no bearer token"],
  [`Basic ${TOKEN}`, "Authorization has no bearer token"],
  [TOKEN, "Authorization has no bearer token"],
  [`Bearer ${TOKEN} more`, "Authorization has no bearer token"],
  [`Bearer ${TOKEN.toLowerCase()}`, "The bearer token is wrong"],
  ["Bearer a", "The bearer token is wrong"],
])("%j is answered with 401", async (sent, detail) => {
  const answer = await answering(TOKEN)(sent);
  expect(answer.status).toBe(401);
  expect(answer.headers.get("www-authenticate")).toBe("Bearer");
  expect(await answer.json()).toMatchObject({ code: "unauthenticated", status: 401, detail });
});

test("without a token the routes are open", async () => {
  expect((await answering(undefined)()).status).toBe(200);
});

test("404 and 405 come before 401", async () => {
  const answer = answering(TOKEN);
  expect((await answer(undefined, "/other")).status).toBe(404);
  expect((await answer(undefined, "/do", "GET")).status).toBe(405);
});
