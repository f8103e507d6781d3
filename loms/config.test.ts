import { expect, test } from "vitest";
import { lomsConfig } from "./config.ts";

test("lomsConfig() has defaults that fit the local stack", () => {
  expect(lomsConfig({})).toMatchObject({
    LOMS_HTTP: { host: "127.0.0.1", port: 8084 },
    LOMS_GRPC: { host: "127.0.0.1", port: 50_051 },
    LOMS_ADMIN: { host: "127.0.0.1", port: 8094 },
    LOMS_PROFILE: { host: "127.0.0.1", port: 9084 },
    DATABASE_URL: "postgres://postgres@127.0.0.1:15432/loms",
    DATABASE_REPLICA_URLS: ["postgres://postgres@127.0.0.1:15433/loms"],
    KAFKA_BROKERS: [],
    CART_ORIGINS: ["http://localhost:8082", "http://127.0.0.1:8082"],
    ORDER_PAYMENT_TIMEOUT: 600_000,
  });
});

test("lomsConfig() expects no replica with a given database", () => {
  const environment = { DATABASE_URL: "postgres://elsewhere/loms" };
  expect(lomsConfig(environment).DATABASE_REPLICA_URLS).toEqual([]);
});

test("lomsConfig() uses the local stack's databases unless one is given", () => {
  const local = {
    LOCAL_DATABASE_URL: "postgres://local/loms",
    LOCAL_DATABASE_REPLICA_URLS: "postgres://replica/loms",
    LOCAL_BUS_DATABASE_URL: "postgres://local/bus",
  };
  expect(lomsConfig(local)).toMatchObject({
    DATABASE_URL: "postgres://local/loms",
    DATABASE_REPLICA_URLS: ["postgres://replica/loms"],
    BUS_DATABASE_URL: "postgres://local/bus",
  });
  expect(lomsConfig({ ...local, DATABASE_URL: "postgres://elsewhere/loms" })).toMatchObject({
    DATABASE_URL: "postgres://elsewhere/loms",
    DATABASE_REPLICA_URLS: [],
  });
});

test("lomsConfig() reports every wrong setting, and no password", () => {
  const environment = {
    LOMS_GRPC: "nowhere",
    ORDER_PAYMENT_TIMEOUT: "soon",
    DATABASE_REPLICA_URLS: "postgres://a/loms,mysql://user:hunter2@b/loms",
  };
  expect(() => lomsConfig(environment)).toThrow(
    /LOMS_GRPC: [^]*DATABASE_REPLICA_URLS\.1: [^]*ORDER_PAYMENT_TIMEOUT: "soon"/,
  );
  expect(() => lomsConfig(environment)).not.toThrow(/hunter2/);
});

test("lomsConfig() requires DATABASE_REPLICA_URLS when SYNC_REPLICA_POLICY is managed", () => {
  const managed = { DATABASE_URL: "postgres://proxy/loms", SYNC_REPLICA_POLICY: "managed" };
  expect(() => lomsConfig(managed)).toThrow(
    "DATABASE_REPLICA_URLS: must list the members when SYNC_REPLICA_POLICY is managed",
  );
  expect(lomsConfig({ ...managed, DATABASE_REPLICA_URLS: "postgres://member1/loms" }))
    .toMatchObject({ SYNC_REPLICA_POLICY: "managed" });
});

test.each(["0.0.0.0:8094", "[::]:8094", "10.0.0.7:8094", "loms.internal:8094", "127.evil:1"])(
  "lomsConfig() requires a token for an admin listener on %s",
  (LOMS_ADMIN) => {
    expect(() => lomsConfig({ LOMS_ADMIN })).toThrow(
      `LOMS_ADMIN_TOKEN: must be set when LOMS_ADMIN is ${LOMS_ADMIN}, beyond loopback`,
    );
    expect(lomsConfig({ LOMS_ADMIN, LOMS_ADMIN_TOKEN: "s3cret" }))
      .toMatchObject({ LOMS_ADMIN_TOKEN: "s3cret" });
  },
);

test.each(["127.0.0.1:1", "127.1.2.3:1", "[::1]:1", "localhost:1"])(
  "lomsConfig() requires no token for an admin listener on %s",
  (LOMS_ADMIN) => expect(lomsConfig({ LOMS_ADMIN }).LOMS_ADMIN_TOKEN).toBeUndefined(),
);

test("lomsConfig() refuses a token that no header can contain, without repeating it", () => {
  const environment = { LOMS_ADMIN_TOKEN: "hunter 2" };
  expect(() => lomsConfig(environment)).toThrow(/LOMS_ADMIN_TOKEN: is not a bearer token/);
  expect(() => lomsConfig(environment)).not.toThrow(/hunter/);
});
