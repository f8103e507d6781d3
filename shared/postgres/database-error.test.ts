import { DrizzleQueryError } from "drizzle-orm";
import { expect, test } from "vitest";
import { AppError } from "../errors.ts";
import { isConflict, isConnectionError, sqlStateOf, toDatabaseError } from "./database-error.ts";

function thrown(code: string): Error {
  return Object.assign(new Error("the driver's text"), { code });
}

test.each([
  ["ECONNREFUSED", "unavailable"],
  ["57P01", "unavailable"],
  ["57014", "deadline_exceeded"],
])("toDatabaseError() maps %s to %s, from the driver and through drizzle", (code, expected) => {
  const wrapped = new DrizzleQueryError("select 1", [], thrown(code));
  expect(toDatabaseError(thrown(code), "read")).toMatchObject({ code: expected });
  expect(toDatabaseError(wrapped, "read")).toMatchObject({ code: expected, cause: wrapped });
});

test("toDatabaseError() returns an error of the statement itself unchanged", () => {
  const syntax = thrown("42601");
  expect(toDatabaseError(syntax, "read")).toBe(syntax);
});

test("sqlStateOf() returns the code of a refusal by the server, and of nothing else", () => {
  const refused = Object.assign(thrown("42601"), { name: "PostgresError" });
  expect(sqlStateOf(refused)).toBe("42601");
  expect(sqlStateOf(new DrizzleQueryError("select 1", [], refused))).toBe("42601");
  expect(sqlStateOf(thrown("EPIPE"))).toBeUndefined();
  expect(sqlStateOf(new AppError("deadline_exceeded", "too late"))).toBeUndefined();
});

test("a lost connection and a conflict are recognized inside an AppError", () => {
  const lost = toDatabaseError(new DrizzleQueryError("", [], thrown("ECONNRESET")), "read");
  expect(lost).toBeInstanceOf(AppError);
  expect(isConnectionError(lost)).toBe(true);
  expect(isConflict(toDatabaseError(thrown("40P01"), "write"))).toBe(true);
  expect(isConflict(lost)).toBe(false);
});
