import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { denoFlags } from "./deno-permissions.ts";

/** The values of `--allow-<what>=`. */
function allowed(flags: readonly string[], what: string): string[] {
  const prefix = `--allow-${what}=`;
  return flags.find((flag) => flag.startsWith(prefix))?.slice(prefix.length).split(",") ?? [];
}

test("denoFlags() allows a service's listeners and the hosts in its settings", async () => {
  const flags = await denoFlags("loms", "/p", {
    LOMS_HTTP: "[::1]:1",
    LOMS_GRPC: "0.0.0.0:2",
    LOMS_PROFILE: "127.0.0.1:3",
    LOMS_ADMIN: "127.0.0.1:4",
    DATABASE_URL: "postgres://u:p@primary/loms",
    DATABASE_REPLICA_URLS: "postgres://u:p@one:5433/loms,postgres://u:p@two:5434/loms",
    BUS_DATABASE_URL: "postgres://u:p@bus:5435/bus",
    OTEL_EXPORTER_OTLP_ENDPOINT: "https://collector",
    CART_ORIGINS: "https://pages",
  });
  expect(allowed(flags, "net").toSorted()).toEqual([
    ...["0.0.0.0:2", "127.0.0.1:3", "127.0.0.1:4", "[::1]:1", "bus:5435", "collector:443"],
    ...["one:5433", "primary:5432", "two:5434"],
  ]);
});

test("denoFlags() allows every port of a broker's host: brokers advertise ports", async () => {
  const environment = {
    KAFKA_BROKERS: "a:9092,[::1]:9093",
    KAFKA_TLS_CA: "ca.pem",
    KAFKA_TLS: "true",
  };
  const flags = await denoFlags("notifier", "/p", environment);
  expect(allowed(flags, "net")).toEqual(expect.arrayContaining(["a", "[::1]"]));
  expect(allowed(flags, "read")).toContain("/p/ca.pem");
});

test("denoFlags() allows a store, and every port of one that announces its own", async () => {
  const environment = { CART_STORE_URL: "rediss://:p@a:7000/1", CART_STORE_TLS_CA: "ca.pem" };
  const flags = await denoFlags("cart", "/p", environment);
  expect(allowed(flags, "net")).toContain("a:7000");
  expect(allowed(flags, "read")).toContain("/p/ca.pem");
  const others = { CART_STORE_URL: "redis+sentinel://127.0.0.1:7000,[::1]:7001/shop" };
  expect(allowed(await denoFlags("cart", "/p", others), "net"))
    .toEqual(expect.arrayContaining(["127.0.0.1", "[::1]"]));
});

test("denoFlags() allows the collector, its certificates and unknown OTEL_ names", async () => {
  const flags = await denoFlags("cart", "/p", {
    OTEL_TRACES_EXPORTER: "otlp",
    OTEL_EXPORTER_OTLP_CERTIFICATE: "ca.pem",
    OTEL_BSP_SCHEDULE_DELAY: "1",
  });
  expect(allowed(flags, "net")).toContain("localhost:4318");
  expect(allowed(flags, "read")).toContain("/p/ca.pem");
  expect(allowed(flags, "env")).toContain("OTEL_BSP_SCHEDULE_DELAY");
});

test("denoFlags() allows the addresses of a gRPC server's name: grpc-js resolves it", async () => {
  const flags = await denoFlags("cart", "/p", { LOMS_GRPC_URL: "localhost:7" });
  expect(allowed(flags, "net"))
    .toEqual(expect.arrayContaining(["localhost", "localhost:7", "127.0.0.1:7"]));
});

test("denoFlags() allows no network to a service with invalid settings", async () => {
  const flags = await denoFlags("cart", "/p", { CART_HTTP: "nowhere" });
  expect(allowed(flags, "net")).toEqual([]);
  expect(allowed(flags, "env")).toContain("CART_HTTP");
});

test("denoFlags() escapes a comma in a path", async () => {
  const flags = await denoFlags("cart", "/a,b", {});
  expect(flags.join(" ")).toContain("--allow-read=/a,,b/cart,/a,,b/shared,");
});

test("denoFlags() allows every host, socket and file that a database URL names", async () => {
  const file = join(mkdtempSync(join(tmpdir(), "permissions-")), "ca.pem");
  onTestFinished(() => rmSync(dirname(file), { recursive: true }));
  writeFileSync(file, "-----BEGIN CERTIFICATE-----");
  const flags = await denoFlags("loms", "/p", {
    DATABASE_URL: `postgres://u@[::1]:1,b/d?sslrootcert=${file}&sslmode=verify-ca`,
    DATABASE_REPLICA_URLS: "postgres://u@/d?host=/run/pg,postgres://u@c,d:9/e",
    BUS_DATABASE_URL: "postgres://u@f/d?sslrootcert=system",
  });
  const hosts = ["[::1]:1", "b:5432", "c:5432", "d:9", "f:5432"];
  const socket = "/run/pg/.s.PGSQL.5432";
  expect(allowed(flags, "net")).toEqual(expect.arrayContaining([...hosts, `unix:${socket}`]));
  expect(allowed(flags, "read")).toEqual(expect.arrayContaining([file, socket]));
  expect(allowed(flags, "write")).toEqual([socket]);
  expect(allowed(flags, "sys")).toContain("ca");
});

test("denoFlags() allows hostaddr instead of the host of the same server", async () => {
  const flags = await denoFlags("loms", "/p", {
    DATABASE_URL: "postgres://u@/d?host=/tmp&hostaddr=10.0.0.1",
    BUS_DATABASE_URL: "postgres://u@db/d?hostaddr=/run/pg",
  });
  const net = allowed(flags, "net");
  expect(net).toEqual(expect.arrayContaining(["10.0.0.1:5432", "unix:/run/pg/.s.PGSQL.5432"]));
  expect(net).not.toContain("unix:/tmp/.s.PGSQL.5432");
  expect(allowed(flags, "write")).toEqual(["/run/pg/.s.PGSQL.5432"]);
});
