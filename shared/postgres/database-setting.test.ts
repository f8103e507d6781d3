import { expect, test } from "vitest";
import { postgresUrls, preparedStatements } from "./database-setting.ts";

test("postgresUrls takes a list whose URLs have lists of hosts", () => {
  expect(postgresUrls.parse("postgres://u@a,b:1/d, postgresql://u@c/d,"))
    .toEqual(["postgres://u@a,b:1/d", "postgresql://u@c/d"]);
  expect(postgresUrls.parse("")).toEqual([]);
});

test("postgresUrls names the URL that is wrong, by its place", () => {
  const { error } = postgresUrls.safeParse("postgres://u@a/d,mysql://u:hunter2@b/d");
  expect(error?.issues.map(({ path }) => path)).toEqual([[1]]);
  expect(error?.message).not.toContain("hunter2");
});

test("preparedStatements is on unless it is turned off", () => {
  expect(preparedStatements.parse(undefined)).toBe(true);
  expect(preparedStatements.parse("false")).toBe(false);
  expect(preparedStatements.safeParse("no").success).toBe(false);
});
