import { afterEach, expect, test, vi } from "vitest";
import { createClientConfig, exactProblem } from "./exact-integers.ts";

const IDS = ["9007199254740991", "9007199254740993", "9223372036854775807"];

afterEach(() => vi.unstubAllGlobals());

async function fetched(text: string, type = "application/json"): Promise<string> {
  const answer = new Response(text, { headers: { "content-type": type } });
  vi.stubGlobal("fetch", () => Promise.resolve(answer));
  const { fetch } = createClientConfig({});
  return await (await fetch("http://127.0.0.1")).text();
}

test.each(IDS)("%s in an answer reaches the generated code with every digit", async (id) => {
  const { order_id } = JSON.parse(await fetched(`{"order_id":${id}}`)) as { order_id: unknown };
  expect(BigInt(String(order_id))).toBe(BigInt(id));
});

test("digits inside strings and short integers are unchanged", async () => {
  const text = `{"name":"\\"9223372036854775807 \\\\","count":65535,"none":null}`;
  expect(await fetched(text)).toBe(text);
});

test("problems are read the same way, and other text is unchanged", async () => {
  const problem = `{"order_id":9223372036854775807}`;
  expect(await fetched(problem, "application/problem+json")).toContain(`"9223372036854775807"`);
  expect(await fetched(problem, "text/plain")).toBe(problem);
});

test.each([
  [1n, "1"],
  [2n ** 53n - 1n, "9007199254740991"],
  [2n ** 53n + 1n, "9007199254740993"],
  [2n ** 63n - 1n, "9223372036854775807"],
])("%s in a request is sent as %s", (id, sent) => {
  expect(createClientConfig({}).bodySerializer({ orderID: id })).toBe(`{"orderID":${sent}}`);
});

test("a problem has the bigints of its type", () => {
  const skus = [{ sku: 42, requested: 3, available: 2 }];
  expect(exactProblem({ code: "failed_precondition", order_id: IDS[2], skus })).toEqual({
    code: "failed_precondition",
    order_id: 2n ** 63n - 1n,
    skus: [{ sku: 42n, requested: 3, available: 2n }],
  });
});

test("a problem has bigints for the total and the current prices, 0 included", () => {
  const items = [{ sku: 42, price: 0 }];
  expect(exactProblem({ code: "failed_precondition", total_price: 0, items })).toEqual({
    code: "failed_precondition",
    total_price: 0n,
    items: [{ sku: 42n, price: 0n }],
  });
});

test.each([{ code: "not_found" }, "no JSON", null, new TypeError("fetch failed")])(
  "another error is unchanged: %j",
  (error) => expect(exactProblem(error)).toBe(error),
);
