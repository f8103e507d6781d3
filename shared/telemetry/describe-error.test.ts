import { expect, test } from "vitest";
import { causeOf, describeError } from "./describe-error.ts";

test("describeError() tells name, message, code, stack and causes", () => {
  const root = Object.assign(new Error("refused"), { code: "ECONNREFUSED" });
  expect(describeError(new TypeError("no answer", { cause: root }))).toMatchObject({
    name: "TypeError",
    message: "no answer",
    stack: expect.stringContaining("describe-error.test.ts"),
    cause: { message: "refused", code: "ECONNREFUSED" },
  });
});

test("describeError() tells each of several errors", () => {
  expect(describeError(new AggregateError([new Error("one"), "two"])))
    .toMatchObject({ errors: [{ message: "one" }, { message: "two" }] });
});

test("a cycle of causes ends", () => {
  const error = new Error("round");
  error.cause = error;
  expect(JSON.stringify(describeError(error)).match(/"round"/g)).toHaveLength(6);
  expect(causeOf(error).cause?.split(" < ")).toHaveLength(5);
});

test("causeOf() names the causes from the last to the first", () => {
  const cause = new Error("no answer", { cause: new Error("refused") });
  expect(causeOf(new Error("away", { cause }))).toEqual({
    cause: "Error: no answer < Error: refused",
  });
  expect(causeOf(new Error("alone"))).toEqual({});
});
