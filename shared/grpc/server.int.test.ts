import { Metadata, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import { aborted as whenAborted } from "../signals.ts";
import type { GrpcClient } from "./client.ts";
import { clientOf, inTime, startServer, traceparent } from "./loms-fixture.ts";
import {
  FILE_CONTAINING_SYMBOL,
  firstOfStream,
  HEALTH_WATCH,
  LIST_SERVICES,
  NOT_SERVING,
  protoString,
  rawCall,
  reflectionPath,
  SERVING,
} from "./raw-client-fixture.ts";
import type { GrpcServer } from "./server.ts";
import type { IncomingCall, UnaryHandler } from "./unary.ts";

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

const PAY = "/loms.v1.Loms/OrderPay";

beforeAll(async () => {
  server = await startServer((call) => handler(call));
  client = clientOf(server);
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
    await client.call("orderPay", { orderID: 1n }, inTime(30_000), { "idempotency-key": "a, b" });
    expect(seen?.metadata("idempotency-key")).toEqual(["a, b"]);
    expect(seen?.metadata("other")).toEqual([]);
    expect(seen?.context.traceId).toBe("a".repeat(32));
    expect(seen?.context.spanId).not.toBe("b".repeat(16));
    // Without a deadline of the caller it would have 5 s.
    expect(seen?.context.remainingMs()).toBeGreaterThan(5_000);
    expect(seen?.context.remainingMs()).toBeLessThanOrEqual(30_000);
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

  // timeout.int.test.ts shows what the handler gets.
  test("ends with deadline_exceeded if the handler is too slow", async () => {
    // Its own server: the call may arrive after its deadline, in the next test.
    const slow = await startServer(({ context: { signal } }) =>
      whenAborted(signal).then(() => signal.throwIfAborted())
    );
    onTestFinished(() => slow.close());
    const caller = clientOf(slow);
    onTestFinished(() => caller.close());
    await expect(caller.call("orderPay", { orderID: 1n }, inTime(50)))
      .rejects.toMatchObject({ code: "deadline_exceeded" });
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
      const path = reflectionPath(version);
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
