import { afterAll, beforeAll, expect, test } from "vitest";
import type { Statement } from "../../shared/postgres/statement.ts";
import { describeStatement } from "../../shared/postgres/test/describe-statement.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { ORDER_OUTBOX } from "../outbox/order-outbox.ts";
import * as outboxStatements from "../outbox/statements.ts";
import { STOCK_OUTBOX } from "../outbox/stock-outbox.ts";
import * as repositoryStatements from "./statements.ts";
import * as readStatements from "./read-statements.ts";
import * as stockStatements from "./stock-statements.ts";
import { openWriterFixture, type WriterFixture } from "./writer-fixture.ts";

let database: TestDatabase;
let loms: WriterFixture;

beforeAll(async () => {
  database = await testDatabase("loms");
  loms = openWriterFixture(database.primaryUrl);
});

afterAll(async () => {
  await loms.pool.close();
  await database.drop();
});

const statements: Statement[] = [
  ...Object.values(repositoryStatements),
  ...Object.values(readStatements),
  ...Object.values(stockStatements),
  ...Object.values(outboxStatements),
  ...[ORDER_OUTBOX, STOCK_OUTBOX].flatMap(
    ({ read, mark, refuse, clean, backlog }) => [read, mark, refuse, clean, backlog],
  ),
];

test.each(statements)("$name has the declared parameters and columns", async (statement) => {
  const columns = Object.entries(statement.columns).map(([name, type]) => [
    name,
    type.replace("?", ""),
  ]);
  expect(await describeStatement(loms.pool, statement)).toEqual({
    parameters: statement.parameters,
    columns: Object.fromEntries(columns),
  });
});

test("statements have unique names", () => {
  expect(new Set(statements.map(({ name }) => name)).size).toBe(statements.length);
});
