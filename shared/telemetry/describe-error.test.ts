import { expect, test } from "vitest";
import { causeOf, exceptionFields } from "./describe-error.ts";

test("exceptionFields() has type and message, and a stack trace with code and causes", () => {
  const root = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  const fields = exceptionFields(new TypeError("no answer", { cause: root }));
  expect(fields).toMatchObject({ exception_type: "TypeError", exception_message: "no answer" });
  expect(fields.exception_stacktrace).toMatch(
    /^TypeError: no answer\n.*describe-error\.test\.ts.*by Error: refused\n.*code: ECONNREFUSED$/s,
  );
});

test("exceptionFields() includes each of several errors", () => {
  const { exception_stacktrace } = exceptionFields(new AggregateError([new Error("one"), "two"]));
  expect(exception_stacktrace).toMatch(/one of its errors: Error: one\n.*one of its errors: two$/s);
});

test("exceptionFields() accepts any thrown value", () => {
  expect(exceptionFields("no error at all")).toEqual({ exception_message: "no error at all" });
});

test("a cycle of causes ends", () => {
  const error = new Error("round");
  error.cause = error;
  expect(exceptionFields(error).exception_stacktrace?.match(/Error: round/g)).toHaveLength(6);
  expect(causeOf(error).cause?.split(" < ")).toHaveLength(5);
});

test("causeOf() names the causes from the last to the first", () => {
  const cause = new Error("no answer", { cause: new Error("refused") });
  expect(causeOf(new Error("away", { cause }))).toEqual({
    cause: "Error: no answer < Error: refused",
  });
  expect(causeOf(new Error("alone"))).toEqual({});
});
