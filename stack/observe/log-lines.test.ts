import { expect, test } from "vitest";
import { LogLines } from "./log-lines.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const line = (fields: object) =>
  JSON.stringify({ service: "loms", timestamp: "t", level: "info", message: "call", ...fields });

test("a line keeps its fields, with every digit of its numbers", () => {
  const lines = new LogLines();
  const big =
    `{"service":"loms","timestamp":"t","level":"info","message":"call","trace_id":"${TRACE}",` +
    `"span_id":"b","order_id":9007199254740993,"status":"awaiting payment"}`;
  lines.add("loms", big);
  expect(lines.latest(10)).toEqual([{
    service: "loms",
    timestamp: "t",
    level: "info",
    message: "call",
    traceId: TRACE,
    fields: `order_id=9007199254740993 status="awaiting payment"`,
  }]);
});

test("a line that is not a log record is an error of its service", () => {
  const lines = new LogLines();
  lines.add("cart", "Segmentation fault");
  expect(lines.latest(1)).toMatchObject([
    { service: "cart", level: "error", message: "Segmentation fault", traceId: "" },
  ]);
});

test("lines are filtered by service, minimum level, trace and text", () => {
  const lines = new LogLines();
  lines.add("loms", line({ message: "one", trace_id: TRACE }));
  lines.add("loms", line({ message: "two", level: "warn", sku: 42 }));
  lines.add("cart", line({ message: "three", service: "cart", level: "error" }));
  const found = (filter: Parameters<LogLines["latest"]>[1]) =>
    lines.latest(10, filter).map(({ message }) => message);
  expect(found({ service: "loms" })).toEqual(["one", "two"]);
  expect(found({ level: "warn" })).toEqual(["two", "three"]);
  expect(found({ traceId: TRACE })).toEqual(["one"]);
  expect(found({ text: "SKU=4" })).toEqual(["two"]);
  expect(found({})).toEqual(["one", "two", "three"]);
});

test("only the latest lines are kept", () => {
  const lines = new LogLines();
  for (let n = 0; n < 20_000; n++) lines.add("loms", line({ message: String(n) }));
  const kept = lines.latest(20_000);
  expect(kept).toHaveLength(5_000);
  expect(kept.at(-1)?.message).toBe("19999");
  expect(lines.latest(2).map(({ message }) => message)).toEqual(["19998", "19999"]);
});

test("a long line is cut", () => {
  const lines = new LogLines();
  lines.add("loms", line({ message: "m".repeat(1_000_000), field: "f".repeat(1_000_000) }));
  lines.add("loms", "w".repeat(1_000_000));
  for (const { message, fields } of lines.latest(2)) {
    expect(message.length + fields.length).toBeLessThan(10_000);
  }
});
