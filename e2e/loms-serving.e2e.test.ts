import { Client, credentials } from "@grpc/grpc-js";
import { expect, inject, test } from "vitest";
import { grpcCall } from "./grpc.ts";
import { call } from "./http.ts";

const { urls } = inject("shop");
const { loms = "", lomsGrpc } = urls;
/** A ServerReflectionRequest with `list_services: ""`. */
const LIST_SERVICES = Buffer.from([0x3a, 0x00]);

test.each(["", "loms.v1.Loms", "database", "replica"])(
  "gRPC health reports %j as serving",
  async (service) => {
    const answer = await grpcCall(
      lomsGrpc,
      "grpc.health.v1.Health/Check",
      JSON.stringify({ service }),
    );
    expect(answer.code, answer.message).toBe(0);
    expect([1, "SERVING"]).toContain(answer.body["status"]);
  },
);

test.each(["v1", "v1alpha"])("server reflection %s lists the services", async (version) => {
  const client = new Client(lomsGrpc, credentials.createInsecure());
  try {
    const stream = client.makeBidiStreamRequest(
      `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
      (bytes: Buffer) => bytes,
      (bytes) => bytes,
    );
    const answer = await new Promise<Buffer>((resolve, reject) => {
      stream.once("data", resolve);
      stream.once("error", reject);
      stream.write(LIST_SERVICES);
      stream.end();
    });
    for (const service of ["loms.v1.Loms", "grpc.health.v1.Health"]) {
      expect(answer.toString("latin1")).toContain(service);
    }
  } finally {
    client.close();
  }
});

test.each([
  ["cart", urls.cart],
  ["loms", loms],
  ["notifier", urls.notifier],
])("%s is alive and ready", async (_name, url) => {
  expect((await call(url, "GET /healthz")).status).toBe(200);
  expect((await call(url, "GET /readyz")).status).toBe(200);
});

test.each([
  ["cart", urls.cart, "/user/{user_id}/cart/{sku_id}"],
  ["loms", loms, "/v1/order/create"],
])("%s serves its documents at /openapi.json and /swagger-ui", async (_name, url, path) => {
  const { status, body } = await call(url, "GET /openapi.json");
  expect(status).toBe(200);
  expect(Object.keys(body["paths"] as object)).toContain(path);
  const page = await call(url, "GET /swagger-ui");
  expect(page.status).toBe(200);
  expect(page.headers.get("content-type")).toContain("text/html");
});
