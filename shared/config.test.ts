import { describe, expect, test } from "vitest";
import { z } from "zod";
import {
  commonSettings,
  ConfigError,
  duration,
  formatHostPort,
  hostPort,
  httpOrigin,
  httpUrl,
  listOf,
  reachable,
  readConfig,
  withLocalStack,
} from "./config.ts";

describe("duration", () => {
  test.each([["500ms", 500], ["3s", 3000], ["10m", 600_000], ["1h", 3_600_000], ["0", 0]])(
    "reads %s",
    (text, ms) => expect(duration.parse(text)).toBe(ms),
  );

  test.each(["", "5", "-1s", "1.5s", "1d", "s", "99999h"])("refuses %j", (text) => {
    expect(duration.safeParse(text).error?.issues[0]?.message).toContain("is not a duration");
  });
});

describe("httpOrigin", () => {
  test.each(["http://localhost:8082", "https://shop.example"])("accepts %s", (text) => {
    expect(httpOrigin.parse(text)).toBe(text);
  });

  test.each([
    ...["http://localhost:8082/", "http://localhost:80", "http://u:p@localhost", "HTTP://a"],
    ...["localhost:8082", "*", "null", "", "ftp://a"],
  ])(
    "refuses %s, which no browser sends",
    (text) => expect(httpOrigin.safeParse(text).success).toBe(false),
  );
});

describe("hostPort", () => {
  test.each([
    ["127.0.0.1:8082", { host: "127.0.0.1", port: 8082 }],
    ["[::1]:0", { host: "::1", port: 0 }],
    ["0.0.0.0:8082", { host: "0.0.0.0", port: 8082 }],
    ["loms:50051", { host: "loms", port: 50_051 }],
  ])("reads %s", (text, address) => {
    expect(hostPort.parse(text)).toEqual(address);
    expect(hostPort.parse(formatHostPort(address))).toEqual(address);
  });

  test.each(["", ":8082", "8082", "localhost", "a:65536", "http://a:1", "a b:1", "::1:80"])(
    "refuses %j",
    (text) => expect(hostPort.safeParse(text).success).toBe(false),
  );
});

describe("readConfig()", () => {
  const shape = {
    ...commonSettings,
    TIMEOUT: duration.prefault("10m"),
    REPLICAS: listOf(httpUrl).prefault(""),
    KEY: z.string(),
  };

  test("fills in defaults, skips empty variables and ignores others", () => {
    expect(readConfig(shape, { KEY: "k", TIMEOUT: "", OTHER: "x" })).toEqual({
      LOG_LEVEL: "info",
      TIMEOUT: 600_000,
      REPLICAS: [],
      KEY: "k",
    });
  });

  test("reads a list", () => {
    const read = readConfig(shape, { KEY: "k", REPLICAS: "http://a/1, http://b/2," });
    expect(read.REPLICAS).toEqual(["http://a/1", "http://b/2"]);
  });

  test("reports every problem in one message, without a secret", () => {
    const wrong = { TIMEOUT: "soon", REPLICAS: "mysql://u:hunter2@a/1", LOG_LEVEL: "loud" };
    const read = () => readConfig(shape, wrong);
    expect(read).toThrow(ConfigError);
    expect(read).toThrow(/LOG_LEVEL: [^]*TIMEOUT: "soon"[^]*REPLICAS\.0: [^]*KEY: /);
    expect(read).not.toThrow(/hunter2/);
  });
});

test("readConfig() masks the credentials of a URL in a message that repeats it", () => {
  const read = () => readConfig({ ADDRESS: hostPort }, { ADDRESS: "http://u:hunter2@loms:1" });
  expect(read).toThrow(`ADDRESS: "http://u:***@loms:1" is not an address`);
});

test("withLocalStack() fills in only what is not set", () => {
  const local = { LOCAL_A: "1", LOCAL_B: "2", LOCAL_C: "3" };
  expect(withLocalStack({ ...local, A: "mine", B: "" }, ["A", "B"]))
    .toEqual({ ...local, A: "mine", B: "2" });
});

test.each([["0.0.0.0", "127.0.0.1:1"], ["::", "[::1]:1"], ["loms", "loms:1"]])(
  "a listener on %s is reached at %s",
  (host, address) => expect(reachable({ host, port: 1 })).toBe(address),
);
