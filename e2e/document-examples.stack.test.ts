import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Stack } from "../stack/start.ts";
import { call } from "./http.ts";
import { startOwnStack } from "./own-stack.ts";
import { SERVICE_DOCUMENTS, type ServiceDocument } from "./service-documents.ts";

/** Stock and order ids are those of a new shop. */
let stack: Stack;
beforeAll(async () => {
  stack = await startOwnStack();
});
afterAll(() => stack.close());

interface Example {
  readonly operationId: string;
  readonly line: string;
  readonly headers: Record<string, string>;
  readonly body: object | undefined;
  readonly status: number;
  readonly answer: object | undefined;
}

interface DescribedOperation {
  readonly operationId: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: "path" | "header";
    readonly example: string | number;
  }[];
  readonly requestBody?: Described;
  readonly responses: Readonly<Record<string, Described>>;
}

interface Described {
  readonly content?: { readonly "application/json": { readonly example: object } };
}

/** In an order that works: orders 1 and 2 are created before they are read. */
const STORY = [
  ["loms", "stocksInfo"],
  ["loms", "stocksInfoList"],
  ["loms", "orderCreate"],
  ["loms", "orderList"],
  ["cart", "addItem"],
  ["cart", "listCart"],
  ["cart", "checkout"],
  ["loms", "orderInfo"],
  ["loms", "orderPay"],
  ["loms", "orderCancel"],
  ["cart", "deleteItem"],
  ["cart", "clearCart"],
  ["stock", "stockReceive"],
  ["stock", "stockCount"],
  ["stock", "stockList"],
  ["stock", "stockMovements"],
] as const;

function examplesOf(document: ServiceDocument): Example[] {
  return Object.entries(document.paths).flatMap(([path, verbs]) =>
    Object.entries(verbs).map(([verb, operation]) =>
      exampleOf(path, verb, operation as unknown as DescribedOperation)
    )
  );
}

function exampleOf(path: string, verb: string, operation: DescribedOperation): Example {
  const { operationId, parameters = [], requestBody, responses } = operation;
  const given = (place: string) => parameters.filter((parameter) => parameter.in === place);
  const filled = given("path").reduce(
    (target, { name, example }) => target.replace(`{${name}}`, String(example)),
    path,
  );
  const [status = "", response] = Object.entries(responses)
    .find(([each]) => each.startsWith("2")) ?? [];
  return {
    operationId,
    line: `${verb.toUpperCase()} ${filled}`,
    headers: Object.fromEntries(given("header").map(({ name, example }) => [name, `${example}`])),
    body: requestBody?.content?.["application/json"].example,
    status: Number(status),
    answer: response?.content?.["application/json"].example,
  };
}

function urlOf(name: "cart" | "loms" | "stock"): string {
  const { urls } = stack;
  return (name === "stock" ? urls.lomsAdmin : urls[name]) ?? "";
}

const TIMES = ["at", "created_at"];

/** The opening movement has the time of the shop's creation, an order that of its call. */
function withoutTime(body: unknown): unknown {
  const stripped = (key: string, value: unknown) => TIMES.includes(key) ? "" : value;
  return JSON.parse(JSON.stringify(body), stripped);
}

test("the examples of the documents work unchanged, one after the other", async () => {
  const examples = new Map(
    SERVICE_DOCUMENTS.flatMap((document) =>
      examplesOf(document).map((example) => [`${document.name} ${example.operationId}`, example])
    ),
  );
  expect([...examples.keys()].sort()).toEqual(STORY.map((step) => step.join(" ")).sort());
  for (const [service, operationId] of STORY) {
    const example = examples.get(`${service} ${operationId}`) as Example;
    const { line, body, headers } = example;
    const answer = await call(urlOf(service), line, { body, headers });
    expect([operationId, answer.status], answer.text).toEqual([operationId, example.status]);
    if (example.answer) {
      expect(withoutTime(answer.body), operationId).toEqual(withoutTime(example.answer));
    }
  }
});

test.each(["cart", "loms", "stock"] as const)(
  "%s serves the document that is committed",
  async (name) => {
    const { text } = await call(urlOf(name), "GET /openapi.json");
    const committed = readFileSync(new URL(`../docs/api/${name}.json`, import.meta.url), "utf8");
    expect(text).toBe(committed);
  },
);
