import * as conventions from "@opentelemetry/semantic-conventions/incubating";
import { expect, test } from "vitest";
import "../../cart/service.ts";
import "../../loms/service.ts";
import "../../notifier/service.ts";
import { DEFINED_FAMILIES } from "./metrics.ts";

/** Metrics and attributes of OpenTelemetry's semantic conventions, with underscores. */
const NAMES = new Set(
  Object.entries(conventions).flatMap(([constant, name]) =>
    /^(ATTR|METRIC)_/.test(constant) && typeof name === "string" ? name.replaceAll(".", "_") : []
  ),
);
/** Renamed or replaced in the conventions; still in the package. */
const DEPRECATED = ["rpc_system", "rpc_service", "rpc_grpc_status_code", "db_system", "db_name"];
const isConventional = (name: string) => /^(http|rpc|db_client|messaging)_/.test(name);

test("metrics of HTTP, RPC and database follow the conventions, in seconds", () => {
  const ours = DEFINED_FAMILIES.map(({ name }) => name).filter(isConventional);
  expect(ours).toHaveLength(5);
  expect(ours.filter((name) => !NAMES.has(name.replace(/_seconds$/, "")))).toEqual([]);
});

test("labels of HTTP, RPC, database and bus follow the conventions", () => {
  const labels = DEFINED_FAMILIES
    .filter(({ name }) => isConventional(name) || /^bus_|^build_/.test(name))
    .flatMap(({ labels }) => labels);
  expect(labels.length).toBeGreaterThan(30);
  expect([...new Set(labels.filter((label) => !NAMES.has(label)))])
    .toEqual(["marketplace_product_method"]);
  expect(labels.filter((label) => DEPRECATED.includes(label))).toEqual([]);
});
