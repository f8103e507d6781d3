import { expect, test } from "vitest";
import { postgresUrls, preparedStatements } from "./database-setting.ts";

test("postgresUrls accepts a list of URLs with lists of hosts", () => {
  expect(postgresUrls.parse("postgres://u@a,b:1/d, postgresql://u@c/d,"))
    .toEqual(["postgres://u@a,b:1/d", "postgresql://u@c/d"]);
  expect(postgresUrls.parse("")).toEqual([]);
});

test("postgresUrls names an invalid URL by its position", () => {
  const { error } = postgresUrls.safeParse("postgres://u@a/d,mysql://u:hunter2@b/d");
  expect(error?.issues.map(({ path }) => path)).toEqual([[1]]);
  expect(error?.message).not.toContain("hunter2");
});

test("preparedStatements defaults to true", () => {
  expect(preparedStatements.parse(undefined)).toBe(true);
  expect(preparedStatements.parse("false")).toBe(false);
  expect(preparedStatements.safeParse("no").success).toBe(false);
});
