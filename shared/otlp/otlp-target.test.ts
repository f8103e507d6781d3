import { expect, test } from "vitest";
import { type Environment, readConfig } from "../config.ts";
import { tracingSettings } from "./otel-settings.ts";
import { otlpTarget } from "./otlp-target.ts";

const target = (environment: Environment) => otlpTarget(readConfig(tracingSettings, environment));
const BASE = "http://collector:4318";

test.each([
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: BASE }, `${BASE}/v1/traces`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${BASE}/` }, `${BASE}/v1/traces`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${BASE}/otlp/?tenant=a` }, `${BASE}/otlp/v1/traces?tenant=a`],
  [{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://u:p@collector" }, "http://u:p@collector/v1/traces"],
  [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${BASE}/spans` }, `${BASE}/spans`],
  [
    { OTEL_EXPORTER_OTLP_ENDPOINT: BASE, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://other/" },
    "http://other/",
  ],
])("otlpTarget() of %j is %s", (environment, url) => {
  expect(target(environment as Environment)?.url).toBe(url);
});

test.each([
  {},
  { OTEL_EXPORTER_OTLP_ENDPOINT: BASE, OTEL_TRACES_EXPORTER: "none" },
])("otlpTarget() of %j is undefined", (environment) => {
  expect(target(environment as Environment)).toBeUndefined();
});

test("otlpTarget() has defaults", () => {
  expect(target({ OTEL_EXPORTER_OTLP_ENDPOINT: BASE })).toEqual({
    url: `${BASE}/v1/traces`,
    headers: {},
    encoding: "protobuf",
    gzip: false,
    timeoutMs: 3_000,
    certificates: {},
  });
});

test("otlpTarget() prefers settings of traces to common ones", () => {
  const pem = (what: string) => `-----BEGIN ${what}`;
  expect(target({
    OTEL_EXPORTER_OTLP_ENDPOINT: BASE,
    OTEL_EXPORTER_OTLP_HEADERS: "a=common,b=common%2C2",
    OTEL_EXPORTER_OTLP_TRACES_HEADERS: "a=traces",
    OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json",
    OTEL_EXPORTER_OTLP_COMPRESSION: "none",
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "gzip",
    OTEL_EXPORTER_OTLP_TIMEOUT: "1",
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "2",
    OTEL_EXPORTER_OTLP_CERTIFICATE: pem("common"),
    OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE: pem("traces"),
  })).toMatchObject({
    headers: { a: "traces", b: "common,2" },
    encoding: "json",
    gzip: true,
    timeoutMs: 2,
    certificates: { ca: pem("traces") },
  });
});

test("otlpTarget() names a certificate that cannot be read", () => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: BASE,
    OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem",
  };
  expect(() => target(environment))
    .toThrow("OTEL_EXPORTER_OTLP_CERTIFICATE: cannot be read (ENOENT)");
});

test.each(["OTEL_EXPORTER_OTLP_CERTIFICATE", "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE"])(
  "otlpTarget() refuses an empty file as %s",
  (name) => {
    expect(() => target({ OTEL_EXPORTER_OTLP_ENDPOINT: BASE, [name]: "/dev/null" }))
      .toThrow(`${name}: names /dev/null, a file without -----BEGIN`);
  },
);
