import { expect, test } from "vitest";
import { givenDatabases, planStack } from "./plan.ts";

const DATABASE = "postgres://user@db/loms";

test("planStack() starts everything when nothing is given", () => {
  expect(planStack({})).toEqual({
    postgres: true,
    services: ["products", "loms", "notifier", "cart"],
  });
});

test.each([
  ["PRODUCT_URL", "http://products", { postgres: true, services: ["loms", "notifier", "cart"] }],
  ["LOMS_GRPC_URL", "loms:50051", { postgres: true, services: ["products", "notifier", "cart"] }],
  ["DATABASE_URL", DATABASE, {
    postgres: false,
    services: ["products", "loms", "notifier", "cart"],
  }],
])("planStack() starts no part whose address is in %s", (name, value, plan) => {
  expect(planStack({ [name]: value })).toEqual(plan);
});

test("planStack() treats an empty variable as unset", () => {
  expect(planStack({ PRODUCT_URL: "", LOMS_GRPC_URL: "", DATABASE_URL: "" })).toEqual(
    planStack({}),
  );
});

test("givenDatabases() uses DATABASE_URL for databases without a URL", () => {
  expect(givenDatabases({ DATABASE_URL: DATABASE, BUS_DATABASE_URL: "postgres://bus/b" })).toEqual({
    loms: DATABASE,
    lomsReplicas: [],
    bus: "postgres://bus/b",
    notifier: DATABASE,
  });
});

test("givenDatabases() reads the replicas as a list", () => {
  const given = givenDatabases({
    DATABASE_URL: DATABASE,
    DATABASE_REPLICA_URLS: "postgres://a,b/d, postgres://c/d,",
  });
  expect(given?.lomsReplicas).toEqual(["postgres://a,b/d", "postgres://c/d"]);
});
