import { describe, expect, test } from "vitest";
import { ORDER_LINES_MAX, STOCKS_INFO_SKUS_MAX } from "./limits.ts";
import {
  int64Amount,
  int64Id,
  itemCount,
  orderCreateRequest,
  orderListRequest,
  stocksInfoListRequest,
} from "./schemas.ts";

const line = { sku: 1, count: 1 };
const messages = (value: unknown) =>
  orderCreateRequest.safeParse(value).error?.issues.map((issue) =>
    `${issue.path.join(".")}: ${issue.message}`
  );

describe("orderCreateRequest", () => {
  test("sums the lines of one SKU and sorts by SKU", () => {
    const request = { user: 7, items: [{ sku: 9, count: 1 }, line, { sku: 9, count: 2 }] };
    expect(orderCreateRequest.parse(request))
      .toEqual({ user: 7n, items: [line, { sku: 9, count: 3 }] });
  });

  test("keeps the price of each SKU, 0 included, and sums lines of one price", () => {
    const items = [
      { sku: 9, count: 1, price: 4_294_967_295 },
      { sku: 1, count: 1, price: 0 },
      { sku: 9, count: 2, price: 4_294_967_295 },
      { sku: 5, count: 1 },
    ];
    expect(orderCreateRequest.parse({ user: 7, items }).items).toStrictEqual([
      { sku: 1, count: 1, price: 0 },
      { sku: 5, count: 1 },
      { sku: 9, count: 3, price: 4_294_967_295 },
    ]);
  });

  test.each([[1, 2], [0, undefined], [undefined, 0]])(
    "refuses lines of one SKU with the prices %s and %s, naming the sku",
    (first, second) => {
      const items = [{ sku: 9, count: 1, price: first }, line, { sku: 9, count: 1, price: second }];
      expect(messages({ user: 1, items })).toEqual(["items: prices of sku 9 differ"]);
    },
  );

  test("refuses a sum over 65535, naming the sku and the sum", () => {
    expect(messages({ user: 1, items: [{ sku: 9, count: 65_535 }, { sku: 9, count: 1 }] }))
      .toEqual(["items: counts of sku 9 add up to 65536, more than 65535"]);
  });

  test.each([
    [{ user: 0, items: [line] }, "user: must be an integer from 1 to 9223372036854775807, got 0"],
    [{ items: [line] }, /^user: .* got nothing$/],
    [{ user: 1, items: [] }, "items: must have at least one line"],
    [{ user: 1, items: new Array(ORDER_LINES_MAX + 1).fill(line) }, /^items: .* at most 1000/],
    [{ user: 1, items: [{ sku: 0, count: 1 }] }, /^items\.0\.sku: .* got 0$/],
    [{ user: 1, items: [{ sku: 2 ** 32, count: 1 }] }, /^items\.0\.sku: .* 4294967295, got/],
    [{ user: 1, items: [line, { sku: 1, count: 65_536 }] }, /^items\.1\.count: .* 65535, got/],
    [{ user: 1, items: [{ sku: "1", count: 1 }] }, /^items\.0\.sku: .* got "1"$/],
    [{ user: 1, items: [{ ...line, price: -1 }] }, /^items\.0\.price: .* 0 to 4294967295, got -1$/],
    [{ user: 1, items: [{ ...line, price: 2 ** 32 }] }, /^items\.0\.price: .* got 4294967296$/],
    [{ user: 1, items: [{ ...line, price: 0.5 }] }, /^items\.0\.price: .* got 0\.5$/],
    [{ user: 1, items: [{ ...line, price: null }] }, /^items\.0\.price: .* got null$/],
    [{ user: 1, items: [{ ...line, price: "1" }] }, /^items\.0\.price: .* got "1"$/],
    [{ user: 1, items: [line], extra: 1 }, /extra/],
  ])("refuses request %#", (request, message) => {
    expect(messages(request)).toEqual([
      typeof message === "string" ? message : expect.stringMatching(message),
    ]);
  });
});

describe("int64Id", () => {
  test.each([[1], [1n], ["1"]])("reads 1 in form %#", (id) => expect(int64Id.parse(id)).toBe(1n));

  test("keeps every digit of the largest id, as a bigint and as a string", () => {
    const id = 2n ** 63n - 1n;
    expect([int64Id.parse(id), int64Id.parse(String(id))]).toEqual([id, id]);
  });

  test.each([
    ...[0, -1, 1.5, 2 ** 53, 2n ** 63n, 2n ** 64n + 1n, -(2n ** 63n), null, true, [1], undefined],
    ...["", "0", "01", "+1", "-1", "1.0", "1e3", "0x1", "1,2", " 1", "1 ", "١", "abc", "%31"],
    ...["9223372036854775808", "18446744073709551616"],
  ])("%o is not an id", (value) => {
    const [issue] = int64Id.safeParse(value).error?.issues ?? [];
    expect(issue?.message).toMatch(/^must be an integer from 1 to 9223372036854775807, got /);
  });
});

test.each([-1, 0.5, 2 ** 53, 2n ** 63n, "84", null, undefined])(
  "%o is not an amount",
  (value) => expect(int64Amount.safeParse(value).success).toBe(false),
);

test.each([[0, 0n], [1, 1n], [2n ** 63n - 1n, 2n ** 63n - 1n]])(
  "%s is an amount",
  (value, amount) => expect(int64Amount.parse(value)).toBe(amount),
);

test.each([
  [[], "skus: must have at least one SKU"],
  [[1, 0], "skus.1: must be an integer from 1 to 4294967295, got 0"],
  [
    Array.from({ length: STOCKS_INFO_SKUS_MAX + 1 }, (_, index) => index + 1),
    "skus: must have at most 1000 SKUs",
  ],
])("stocksInfoListRequest refuses list %#", (skus, message) => {
  const { error } = stocksInfoListRequest.safeParse({ skus });
  expect(error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`))
    .toEqual([message]);
});

test.each([0, -1, 65_536, 1.5, 99_999_999_999_999_999_999n, "1", null, true, [1], undefined])(
  "%s is not a count",
  (count) => expect(itemCount.safeParse(count).success).toBe(false),
);

test.each([1, 65_535])("%s is a count", (count) => expect(itemCount.parse(count)).toBe(count));

describe("orderListRequest", () => {
  test("fills in omitted fields", () => {
    expect(orderListRequest.parse({ user: 1 }))
      .toEqual({ user: 1n, statuses: [], page_size: 20, page_token: "" });
  });

  test("sorts the statuses, each once", () => {
    const statuses = ["payed", "failed", "payed"];
    expect(orderListRequest.parse({ user: 1, statuses }).statuses).toEqual(["failed", "payed"]);
  });

  test.each([
    { statuses: ["lost"] },
    { statuses: ["PAYED"] },
    { statuses: "payed" },
    { statuses: null },
    { statuses: new Array(101).fill("payed") },
    { page_size: 0 },
    { page_size: 101 },
    { page_size: 1.5 },
    { page_size: "20" },
    { page_size: null },
    { page_token: 1 },
    { page_token: null },
    { pageSize: 1 },
  ])("refuses %j", (changes) => {
    expect(orderListRequest.safeParse({ user: 1, ...changes }).success).toBe(false);
  });
});
