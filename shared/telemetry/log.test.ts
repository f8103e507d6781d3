import { expect, test } from "vitest";
import { createLogger, type LogFormat } from "./log.ts";

function capture(format: LogFormat = "json") {
  const lines: string[] = [];
  const write = (line: string) => lines.push(line);
  const log = createLogger({ service: "cart", level: "info", format, write });
  const last = () => lines.at(-1) ?? "";
  return { log, lines, last, parsed: () => JSON.parse(last()) as Record<string, unknown> };
}

const trace = { traceId: "a".repeat(32), spanId: "b".repeat(16) };

test("a JSON line has service, timestamp, level, message, trace ids and the fields", () => {
  const { log, parsed } = capture();
  log.info("request", { status: 200 }, trace);
  expect(parsed()).toEqual({
    service: "cart",
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    level: "info",
    message: "request",
    trace_id: trace.traceId,
    span_id: trace.spanId,
    status: 200,
  });
});

test("int64 keeps every digit", () => {
  const { log, last } = capture();
  log.info("order", { order_id: 2n ** 63n - 1n });
  expect(last()).toContain('"order_id":9223372036854775807');
});

test("a line below the level is not written", () => {
  const { log, lines } = capture();
  log.debug("quiet");
  expect(lines).toEqual([]);
});

test("an error is written with its stack and its causes", () => {
  const { log, parsed } = capture();
  log.error("failed", { error: new Error("outer", { cause: new Error("inner") }) });
  expect(parsed()).toMatchObject({
    exception_type: "Error",
    exception_message: "outer",
    exception_stacktrace: expect.stringMatching(
      /^Error: outer\n.*log\.test\.ts.*caused by Error: inner/s,
    ),
  });
  expect(parsed()).not.toHaveProperty("error");
});

test("secrets are masked, by key and inside URLs", () => {
  const { log, last } = capture();
  log.info("connect", {
    token: "hunter2",
    error: new Error("cannot reach postgres://shop:hunter2@127.0.0.1/loms"),
  });
  expect(last()).not.toContain("hunter2");
  expect(last()).toContain("127.0.0.1/loms");
});

test("the level may change at any time", () => {
  const { log, lines } = capture();
  log.level = "debug";
  log.debug("loud");
  log.level = "error";
  log.warn("quiet");
  expect([lines.length, log.level]).toEqual([1, "error"]);
});

test("a field that cannot be rendered does not lose the line", () => {
  const { log, parsed } = capture();
  const round: Record<string, unknown> = {};
  round["self"] = round;
  log.info("odd", { round });
  expect(parsed()).toMatchObject({
    message: "odd",
    unwritable: expect.stringContaining("circular"),
  });
});

test("a pretty line masks secrets, too", () => {
  const { log, last } = capture("pretty");
  log.info("connect", { token: "hunter2", url: "http://a:hunter2@host/x" });
  expect(last()).not.toContain("hunter2");
});

test("a pretty line shows the fields and an error's causes", () => {
  const { log, last } = capture("pretty");
  log.warn("retry", { after_ms: 5, error: new Error("outer", { cause: new Error("inner") }) });
  expect(last()).toContain("after_ms=5");
  expect(last()).toContain("caused by Error: inner");
});
