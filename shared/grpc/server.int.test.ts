import { readFile } from "node:fs/promises";
import http2, { type Http2Server, type ServerHttp2Session } from "node:http2";
import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { RequestContext } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { AppError } from "../errors.ts";
import { createGrpcClient, type GrpcClient } from "./client.ts";
import { badRequest, errorInfo, preconditionFailure } from "./error-details.ts";
import {
  firstOfStream,
  HEALTH_WATCH,
  NOT_SERVING,
  protoString,
  rawCall,
  SERVING,
  watchHealth,
} from "./raw-client-fixture.ts";
import { type GrpcServer, startGrpcServer } from "./server.ts";
import type { IncomingCall, UnaryHandler } from "./unary.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const errorDetails = [errorInfo("test"), badRequest, preconditionFailure, orderShortageDetail];
const inTime = (timeoutMs = 5_000) => new RequestContext({ traceparent, timeoutMs });

/** Waits until the call is aborted, fails with the reason, and records it in `aborted`. */
const waitForAbort: UnaryHandler = ({ context: { signal } }) =>
  new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      aborted.push(signal.reason);
      reject(signal.reason);
    });
  });

let handler: UnaryHandler;
let aborted: unknown[];
let server: GrpcServer;
let client: GrpcClient<LomsDefinition>;

async function start(port = 0): Promise<GrpcServer> {
  const keys = Object.keys(LomsDefinition.methods);
  return await startGrpcServer({
    address: { host: "127.0.0.1", port },
    definition: LomsDefinition,
    handlers: Object.fromEntries(
      keys.map((key) => [key, (call: IncomingCall) => handler(call)]),
    ),
    descriptorSet: await readFile(new URL("../../proto/gen/loms.binpb", import.meta.url)),
    errorDetails,
  });
}

const clientOf = (address: string) =>
  createGrpcClient({ definition: LomsDefinition, address, errorDetails });

/** Fields of grpc.reflection.v1.ServerReflectionRequest. */
const FILE_CONTAINING_SYMBOL = 4;
const LIST_SERVICES = 7;

const PAY = "/loms.v1.Loms/OrderPay";

beforeAll(async () => {
  server = await start();
  client = clientOf(formatHostPort(server.address));
});
beforeEach(() => {
  handler = waitForAbort;
  aborted = [];
});
afterAll(async () => {
  client.close();
  await server.close();
});

describe("a call", () => {
  test.each([2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n - 1n])("keeps %d exact", async (orderID) => {
    let received: unknown;
    handler = (call) => {
      received = call.read();
      return Promise.resolve({ orderID });
    };
    const request = { user: orderID, items: [{ sku: 4_294_967_295, count: 1 }] };
    expect(await client.call("orderCreate", request, inTime())).toEqual({ orderID });
    expect(received).toEqual(request);
  });

  // status.test.ts has the other codes.
  test("fails with the code and the message of its handler", async () => {
    handler = () => Promise.reject(new AppError("already_exists", "has other items"));
    await expect(client.call("orderPay", { orderID: 1n }, inTime()))
      .rejects.toMatchObject({ code: "already_exists", message: "has other items" });
  });

  test("carries the shortage of an order", async () => {
    const shortage = {
      orderId: 2n ** 63n - 1n,
      skus: Array.from({ length: 20 }, (_, sku) => ({ sku, requested: 65_535, available: 1 })),
      skusTotal: 1000,
    };
    handler = () => Promise.reject(new AppError("failed_precondition", "short", { shortage }));
    await expect(client.call("orderPay", { orderID: 1n }, inTime())).rejects.toMatchObject({
      shortage,
    });
  });

  test("does not return the text of an unexpected error", async () => {
    handler = () => Promise.reject(new Error("password=hunter2"));
    await expect(client.call("orderPay", { orderID: 1n }, inTime()))
      .rejects.toMatchObject({ code: "internal", message: "internal error" });
  });

  test("carries metadata, the trace context and the remaining time", async () => {
    let seen: IncomingCall | undefined;
    handler = (call) => {
      seen = call;
      return Promise.resolve({});
    };
    await client.call("orderPay", { orderID: 1n }, inTime(1_000), { "idempotency-key": "a, b" });
    expect(seen?.metadata("idempotency-key")).toEqual(["a, b"]);
    expect(seen?.metadata("other")).toEqual([]);
    expect(seen?.context.traceId).toBe("a".repeat(32));
    expect(seen?.context.spanId).not.toBe("b".repeat(16));
    expect(seen?.context.remainingMs()).toBeLessThanOrEqual(1_000);
  });

  test("applies its own deadline and starts a trace if the caller sends none", async () => {
    let remainingMs = 0;
    let traceId = "";
    handler = ({ context }) => {
      remainingMs = context.remainingMs();
      traceId = context.traceId;
      return Promise.resolve({});
    };
    const metadata = new Metadata();
    metadata.set("traceparent", "nonsense");
    expect(await rawCall(server.address, PAY, new Uint8Array(), metadata)).toMatchObject({
      code: status.OK,
    });
    expect(remainingMs).toBeGreaterThan(1_000);
    expect(remainingMs).toBeLessThanOrEqual(5_000);
    expect(traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  test("ends with deadline_exceeded on both sides if the handler is too slow", async () => {
    await expect(client.call("orderPay", { orderID: 1n }, inTime(50)))
      .rejects.toMatchObject({ code: "deadline_exceeded" });
    await expect.poll(() => aborted).toMatchObject([{ code: "deadline_exceeded" }]);
  });

  test("is not sent if the deadline has passed", async () => {
    let called = false;
    handler = () => {
      called = true;
      return Promise.resolve({});
    };
    await expect(client.call("orderPay", { orderID: 1n }, inTime(0)))
      .rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(called).toBe(false);
  });

  test("is cancelled in the handler when the caller disconnects", async () => {
    const caller = new AbortController();
    handler = (call) => {
      setImmediate(() => caller.abort());
      return waitForAbort(call);
    };
    const context = new RequestContext({ traceparent, timeoutMs: 5_000, caller });
    await expect(client.call("orderPay", { orderID: 1n }, context))
      .rejects.toMatchObject({ code: "unavailable", message: "the caller disconnected" });
    await expect.poll(() => aborted).toMatchObject([{ message: "the caller disconnected" }]);
  });
});

describe("a malformed request", () => {
  beforeEach(() => {
    handler = (call) => Promise.resolve(call.read()).then(() => ({}));
  });

  test.each([
    ["an unknown wire type", [0x0f]],
    ["a length beyond the end", [0x12, 0x7f, 0x08]],
    ["a varint without an end", [0x08, 0xff]],
    ["trailing bytes", [0x08, 0x01, 0x00, 0x08, 0x01]],
  ])("is invalid_argument: %s", async (_what, bytes) => {
    expect(await rawCall(server.address, "/loms.v1.Loms/OrderCreate", new Uint8Array(bytes)))
      .toMatchObject({ code: status.INVALID_ARGUMENT });
  });

  test("is resource_exhausted if it is larger than 1 MiB", async () => {
    expect(await rawCall(server.address, PAY, new Uint8Array(1024 * 1024 + 1)))
      .toMatchObject({ code: status.RESOURCE_EXHAUSTED });
  });

  test("does not include one with an unknown field", async () => {
    expect(await rawCall(server.address, PAY, new Uint8Array([0x08, 0x01, 0x78, 0x01])))
      .toMatchObject({ code: status.OK });
  });
});

test("an unknown method is unimplemented", async () => {
  expect(await rawCall(server.address, "/loms.v1.Loms/OrderFly", new Uint8Array()))
    .toMatchObject({ code: status.UNIMPLEMENTED });
});

describe("reports of the server about itself", () => {
  test.each(["", "loms.v1.Loms"])(
    "health of %j is the last status that was set",
    async (service) => {
      const check = async () =>
        (await firstOfStream(server.address, HEALTH_WATCH, protoString(1, service)))?.[1];
      server.health.set(true);
      expect(await check()).toBe(SERVING);
      server.health.set(false);
      expect(await check()).toBe(NOT_SERVING);
    },
  );

  test.each(["v1", "v1alpha"])(
    "reflection %s lists the services and describes names",
    async (version) => {
      const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
      const services = String(
        await firstOfStream(server.address, path, protoString(LIST_SERVICES, "*")),
      );
      expect(services).toContain("loms.v1.Loms");
      expect(services).toContain("grpc.health.v1.Health");
      const symbol = protoString(FILE_CONTAINING_SYMBOL, "loms.v1.Loms");
      expect(String(await firstOfStream(server.address, path, symbol))).toContain("orderID");
    },
  );
});

describe("a server that stops", () => {
  test("finishes the calls in progress, refuses others, and is found again", async () => {
    const other = await start();
    const address = formatHostPort(other.address);
    const itsClient = clientOf(address);
    let finish = () => {};
    const started = new Promise<void>((resolve) => {
      handler = () =>
        new Promise((answer) => {
          finish = () => answer({ count: 7n });
          resolve();
        });
    });
    const inProgress = itsClient.call("stocksInfo", { sku: 1 }, inTime());
    await started;
    other.health.set(true);
    const watched = watchHealth(other.address);
    await expect.poll(() => watched).toEqual([SERVING]);
    const closed = other.close();
    await expect.poll(() => watched).toEqual([SERVING, NOT_SERVING, "end"]);
    finish();
    expect(await inProgress).toEqual({ count: 7n });
    await closed;

    await expect(itsClient.call("stocksInfo", { sku: 1 }, inTime())).rejects.toMatchObject({
      code: "unavailable",
      message: "loms.v1.Loms/StocksInfo failed: unavailable",
    });

    handler = () => Promise.resolve({ count: 8n });
    const again = await start(other.address.port);
    await expect.poll(
      () => itsClient.call("stocksInfo", { sku: 1 }, inTime()).catch(() => undefined),
      { timeout: 5_000 },
    ).toEqual({ count: 8n });
    itsClient.close();
    await again.close();
  });

  test("ends while a lost connection is being removed", async () => {
    const created = vi.spyOn(http2, "createServer");
    const other = await start();
    const connected = Promise.withResolvers<ServerHttp2Session>();
    for (const { value } of created.mock.results) {
      (value as Http2Server).on("session", connected.resolve);
    }
    created.mockRestore();
    const itsClient = clientOf(formatHostPort(other.address));
    handler = () => Promise.resolve({ count: 7n });
    await itsClient.call("stocksInfo", { sku: 1 }, inTime());
    (await connected.promise).destroy();
    await other.close();
    itsClient.close();
  });
});
