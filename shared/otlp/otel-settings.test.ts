import { expect, test } from "vitest";
import { ConfigError, type Environment, readConfig } from "../config.ts";
import { checkTracing, otelEnvironment, tracingSettings, unusedOtel } from "./otel-settings.ts";

const read = (environment: Environment) =>
  readConfig(tracingSettings, otelEnvironment(environment), checkTracing);
const OTLP = "OTEL_EXPORTER_OTLP_";

test.each([
  ["OTEL_SDK_DISABLED", "yes", "is true or false here"],
  ["OTEL_TRACES_EXPORTER", "zipkin", "is otlp or none here"],
  ["OTEL_TRACES_EXPORTER", "console", "is otlp or none here"],
  ["OTEL_TRACES_EXPORTER", "otlp,console", "is otlp or none here"],
  ["OTEL_METRICS_EXPORTER", "otlp", "is prometheus or none here: metrics are served at /metrics"],
  ["OTEL_LOGS_EXPORTER", "otlp", "is console or none here: log lines go to standard output"],
  ["OTEL_PROPAGATORS", "b3", "is tracecontext here"],
  ["OTEL_PROPAGATORS", "tracecontext,baggage", "is tracecontext here"],
  ["OTEL_TRACES_SAMPLER", "jaeger_remote", "always_on"],
  ["OTEL_RESOURCE_ATTRIBUTES", "deployment", "is not an attribute such as name=value"],
  [`${OTLP}PROTOCOL`, "grpc", "is http/protobuf or http/json here"],
  [`${OTLP}TRACES_PROTOCOL`, "grpc", "is http/protobuf or http/json here"],
  [`${OTLP}COMPRESSION`, "zstd", "is gzip or none here"],
  [`${OTLP}TIMEOUT`, "0", "is not a number of milliseconds from 1 to 30000"],
  [`${OTLP}TIMEOUT`, "30001", "is not a number of milliseconds"],
  [`${OTLP}TIMEOUT`, "3s", "is not a number of milliseconds"],
  [`${OTLP}ENDPOINT`, "collector:4318", "is not a URL"],
  [`${OTLP}TRACES_ENDPOINT`, "localhost:4317", "is not a URL"],
  [`${OTLP}TRACES_HEADERS`, "secret", "is not a header such as name=value"],
  [`${OTLP}HEADERS`, "api-key=a%0Ab", "is not a header such as name=value"],
  [`${OTLP}HEADERS`, "api-key=%E2%82%AC", "is not a header such as name=value"],
  [`${OTLP}HEADERS`, "api key=a", "is not a header such as name=value"],
  [`${OTLP}HEADERS`, "=a", "is not a header such as name=value"],
  [`${OTLP}CLIENT_KEY`, "key.pem", `needs ${OTLP}CLIENT_CERTIFICATE`],
  [`${OTLP}TRACES_CLIENT_CERTIFICATE`, "cert.pem", `needs ${OTLP}TRACES_CLIENT_KEY`],
])("%s=%s is refused, and the message names it", (name, value, why) => {
  expect(() => read({ [name]: value })).toThrow(ConfigError);
  expect(() => read({ [name]: value })).toThrow(new RegExp(`\n  ${name}[.0-9]*: [^\n]*${why}`));
});

test.each([
  ["OTEL_SDK_DISABLED", "FALSE", "false"],
  ["OTEL_TRACES_EXPORTER", "none", "none"],
  ["OTEL_METRICS_EXPORTER", "none", "none"],
  ["OTEL_METRICS_EXPORTER", "prometheus", "prometheus"],
  ["OTEL_LOGS_EXPORTER", "none", "none"],
  ["OTEL_LOGS_EXPORTER", "console", "console"],
  ["OTEL_PROPAGATORS", "tracecontext", "tracecontext"],
  [`${OTLP}PROTOCOL`, "http/protobuf", "http/protobuf"],
  [`${OTLP}TRACES_PROTOCOL`, "http/json", "http/json"],
  [`${OTLP}COMPRESSION`, "gzip", "gzip"],
  [`${OTLP}TRACES_TIMEOUT`, "10000", 10_000],
  ["OTEL_RESOURCE_ATTRIBUTES", "a=1,b=x%3Dy", ["a=1", "b=x%3Dy"]],
  [`${OTLP}HEADERS`, "Authorization=Basic%20YTpi, api-key=a=b", [
    "Authorization=Basic%20YTpi",
    "api-key=a=b",
  ]],
])("%s=%s is accepted", (name, value, read_) => {
  expect(read({ [name]: value })).toHaveProperty(name, read_);
});

test("a disabled SDK ignores all other settings of OpenTelemetry", () => {
  const environment = {
    OTEL_SDK_DISABLED: "True",
    OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318",
    OTEL_METRICS_EXPORTER: "otlp",
    OTEL_BSP_SCHEDULE_DELAY: "1",
    OTHER: "stays",
  };
  expect(otelEnvironment(environment)).toEqual({ OTEL_SDK_DISABLED: "true", OTHER: "stays" });
  expect(read(environment).OTEL_EXPORTER_OTLP_ENDPOINT).toBeUndefined();
});

test("an exporter by name has the default endpoint, unless one is given", () => {
  const endpoint = (environment: Environment) => read(environment).OTEL_EXPORTER_OTLP_ENDPOINT;
  expect(endpoint({ OTEL_TRACES_EXPORTER: "otlp" })).toBe("http://localhost:4318");
  expect(endpoint({})).toBeUndefined();
  const given = { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://collector/" };
  expect(endpoint({ OTEL_TRACES_EXPORTER: "otlp", ...given })).toBeUndefined();
});

test("unusedOtel() returns the settings without effect", () => {
  expect(unusedOtel({
    OTEL_SERVICE_NAME: "shop",
    OTEL_BSP_SCHEDULE_DELAY: "1",
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: "http://collector",
    OTEL_LOG_LEVEL: "",
    OTHER: "1",
  })).toEqual(["OTEL_BSP_SCHEDULE_DELAY", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"]);
});
