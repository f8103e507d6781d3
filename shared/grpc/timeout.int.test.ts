import { once } from "node:events";
import http2, { type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { formatHostPort } from "../config.ts";
import { aborted } from "../signals.ts";
import { startServer } from "./loms-fixture.ts";
import type { GrpcServer } from "./server.ts";
import type { UnaryHandler } from "./unary.ts";

const OK = "0";
const CALL_MAX_MS = 60_000;
/** A message of no bytes, as gRPC frames it. */
const EMPTY_MESSAGE = new Uint8Array(5);

let server: GrpcServer;
let remainingMs: number | undefined;

const answer: UnaryHandler = ({ context }) => {
  remainingMs = context.remainingMs();
  return Promise.resolve({});
};
let handler = answer;

beforeEach(() => {
  handler = answer;
});
beforeAll(async () => {
  server = await startServer((call) => handler(call));
});
afterAll(() => server.close());

const connect = () => http2.connect(`http://${formatHostPort(server.address)}`);

/** A call whose headers are the test's alone, over HTTP/2 without a gRPC client. */
function send(session: ClientHttp2Session, timeout: string): ClientHttp2Stream {
  const stream = session.request({
    ":method": "POST",
    ":path": "/loms.v1.Loms/OrderPay",
    "content-type": "application/grpc",
    te: "trailers",
    "grpc-timeout": timeout,
  });
  return stream.resume().end(EMPTY_MESSAGE);
}

/** The grpc-status of such a call. */
async function callWith(timeout: string): Promise<unknown> {
  remainingMs = undefined;
  const session = connect();
  try {
    return await new Promise((resolve, reject) => {
      session.on("error", reject);
      const stream = send(session, timeout).on("error", reject);
      for (const event of ["response", "trailers"]) {
        stream.on(event, (headers: Record<string, unknown>) => {
          if ("grpc-status" in headers) resolve(headers["grpc-status"]);
        });
      }
    });
  } finally {
    session.destroy();
  }
}

test.each([
  ...["2147483S", "2147484S", "2592000S", "4294967S", "4294968S", "99999999S"],
  ...["35791M", "35792M", "99999999M", "596H", "597H", "99999999H", "60000m", "60001m"],
  ...["99999999m", "99999999u"],
])("a call with grpc-timeout %s gets the maximum time", async (timeout) => {
  expect(await callWith(timeout)).toBe(OK);
  expect(remainingMs).toBeGreaterThan(CALL_MAX_MS / 2);
  expect(remainingMs).toBeLessThanOrEqual(CALL_MAX_MS);
});

test.each([["1H", 60_000], ["1M", 60_000], ["30S", 30_000], ["9000m", 9_000], ["9000000u", 9_000]])(
  "a call with grpc-timeout %s has at most %d ms",
  async (timeout, atMostMs) => {
    expect(await callWith(timeout)).toBe(OK);
    expect(remainingMs).toBeLessThanOrEqual(atMostMs);
    expect(remainingMs).toBeGreaterThan(0);
  },
);

test.each(["1n", "999999n", "1u"])("a call with grpc-timeout %s has no time", async (timeout) => {
  await callWith(timeout);
  expect(remainingMs).toBe(0);
});

/**
 * Why a handler was aborted whose caller leaves as soon as it is called, or waits for its deadline.
 */
async function reasonOfAbort(timeout: string, leaves: boolean): Promise<unknown> {
  const called = Promise.withResolvers<true>();
  const reason = Promise.withResolvers<unknown>();
  handler = async ({ context: { signal } }) => {
    called.resolve(true);
    await aborted(signal);
    reason.resolve(signal.reason);
    throw signal.reason;
  };
  const session = connect();
  try {
    const stream = send(session, timeout).on("error", () => {});
    const closed = once(stream, "close").then(() => false);
    // On a busy machine the time may end before the handler is called.
    if (!await Promise.race([called.promise, closed])) return await reasonOfAbort(timeout, leaves);
    if (leaves) stream.close(http2.constants.NGHTTP2_CANCEL);
    return await reason.promise;
  } finally {
    session.destroy();
  }
}

test("a handler whose time ends is aborted with deadline_exceeded", async () => {
  expect(await reasonOfAbort("50m", false)).toMatchObject({ code: "deadline_exceeded" });
});

test("a caller that cancels just before its deadline counts as one that kept it", async () => {
  expect(await reasonOfAbort("15m", true)).toMatchObject({ code: "deadline_exceeded" });
});
