import { expect, test } from "vitest";
import { circles, isSource, longLines, sharedFolder, topFolder } from "./source-tree.ts";

test("circles() returns folders that import each other, with an import for each direction", () => {
  const tree = new Map([
    ["cart/service.ts", 'import { log } from "../shared/log.ts";'],
    ["shared/log.ts", 'type Cart = import("../cart/service.ts").Cart;'],
    ["stack/start.ts", 'export { log } from "../shared/log.ts";'],
  ]);
  expect(circles(tree, topFolder)).toEqual([{
    groups: ["cart", "shared"],
    imports: [
      "cart/service.ts imports shared/log.ts",
      "shared/log.ts imports cart/service.ts",
    ],
  }]);
});

test("circles() counts imports of types between the folders of shared", () => {
  const tree = new Map([
    ["shared/http/app.ts", 'import type { Log } from "../telemetry/log.ts";'],
    ["shared/telemetry/log.ts", 'import type { Level } from "../level.ts";'],
    ["shared/level.ts", 'import {\n  app,\n} from "./http/app.ts";'],
  ]);
  expect(circles(tree, sharedFolder).map(({ groups }) => groups)).toEqual([
    ["shared/http", "shared/level.ts", "shared/telemetry"],
  ]);
});

test("longLines() counts characters, and omits generated and shipped files", () => {
  const long = "…".repeat(101);
  const tree = new Map([
    ["cart/a.ts", `${"…".repeat(100)}\n${long}`],
    ["proto/gen/b.ts", long],
    ["drizzle/loms/migrations/0001_c.sql", long],
  ]);
  expect(longLines(tree)).toEqual(["cart/a.ts:2"]);
});

test.each([
  ["cart/service.ts", true],
  ["drizzle/loms/functions/loms_order_create.sql", true],
  ["drizzle/loms/migrations/0002_order-create.sql", false],
  ["cart/service.test.ts", false],
  ["loms/domain/deps-contract.ts", false],
  ["stack/test/database.ts", false],
  ["tools/clients/gen/cart/sdk.gen.ts", false],
  ["e2e/http.ts", false],
  ["shared/valkey/rate-limit.lua", false],
])("isSource(%s) returns %s", (path, expected) => {
  expect(isSource(path)).toBe(expected);
});
