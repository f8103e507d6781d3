import { gunzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { createHttpApp, mount } from "./app.ts";
import { GZIP_MIN_BYTES } from "./negotiation.ts";
import { documentAnswer } from "./document-answer.ts";

const TEXT = "a".repeat(GZIP_MIN_BYTES);

function serving(body: string) {
  const app = createHttpApp();
  const run = documentAnswer(body, { "content-type": "text/css" });
  mount(app, [{ method: "get", path: "/document", run }]);
  return async (headers: Record<string, string> = {}) =>
    await app.request("/document", { headers });
}

test("a document can be cached, and is revalidated by its ETag", async () => {
  const get = serving(TEXT);
  const first = await get();
  const etag = first.headers.get("etag") ?? "";
  expect(etag).toMatch(/^W\/"[A-Za-z0-9_-]{22}"$/);
  expect(first.headers.get("cache-control")).toBe("no-cache");
  for (const known of [etag, etag.slice(2), `"other", ${etag}`, "*"]) {
    const again = await get({ "if-none-match": known });
    expect([again.status, await again.text()], known).toEqual([304, ""]);
    expect(again.headers.get("etag")).toBe(etag);
  }
  expect((await get({ "if-none-match": `"other"` })).status).toBe(200);
});

test("another document has another ETag", async () => {
  const etags = await Promise.all(
    [TEXT, `${TEXT}b`].map(async (text) => (await serving(text)()).headers.get("etag")),
  );
  expect(etags[0]).not.toBe(etags[1]);
});

test("a document is compressed for callers that accept gzip, under the same ETag", async () => {
  const get = serving(TEXT);
  const plain = await get();
  for (let times = 0; times < 2; times++) {
    const answer = await get({ "accept-encoding": "gzip" });
    expect(answer.headers.get("content-encoding")).toBe("gzip");
    expect(answer.headers.get("etag")).toBe(plain.headers.get("etag"));
    expect(gunzipSync(new Uint8Array(await answer.arrayBuffer())).toString()).toBe(TEXT);
  }
  expect(await plain.text()).toBe(TEXT);
});

test("a small document is never compressed", async () => {
  const answer = await serving("a")({ "accept-encoding": "gzip" });
  expect(answer.headers.get("content-encoding")).toBeNull();
});
