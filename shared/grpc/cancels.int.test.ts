import { readFile } from "node:fs/promises";
import { expect, onTestFinished, test } from "vitest";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { aborted } from "../signals.ts";
import { createGrpcClient } from "./client.ts";
import { startGrpcServer } from "./server.ts";
import type { IncomingCall } from "./unary.ts";

const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const timeoutMs = 15_000;
/** Deno's http2 has no setting for it, and closes a connection after 1000 concurrent ones. */
const CANCELLED = "Deno" in globalThis ? 500 : 3_000;
const AT_ONCE = 100;
/** The call that is not cancelled. */
const STAYING = 0n;

test("a call is not affected by thousands of others that are cancelled", async () => {
  const answer = Promise.withResolvers<object>();
  const callers = new Map<bigint, AbortController>();
  const handle = (call: IncomingCall) => {
    const { orderID } = call.read() as { orderID: bigint };
    if (orderID === STAYING) return answer.promise;
    const { signal } = call.context;
    callers.get(orderID)?.abort();
    return aborted(signal).then(() => signal.throwIfAborted());
  };
  const keys = Object.keys(LomsDefinition.methods);
  const server = await startGrpcServer({
    address: { host: "127.0.0.1", port: 0 },
    definition: LomsDefinition,
    handlers: Object.fromEntries(keys.map((key) => [key, handle])),
    descriptorSet: await readFile(new URL("../../proto/gen/loms.binpb", import.meta.url)),
    errorDetails: [],
  });
  onTestFinished(() => server.close());
  const address = formatHostPort(server.address);
  const client = createGrpcClient({ definition: LomsDefinition, address, errorDetails: [] });
  onTestFinished(() => client.close());

  const staying = client.call(
    "orderPay",
    { orderID: STAYING },
    new RequestContext({ traceparent, timeoutMs }),
  );
  const cancel = async (orderID: bigint) => {
    const caller = new AbortController();
    callers.set(orderID, caller);
    const context = new RequestContext({ traceparent, timeoutMs, caller });
    await expect(client.call("orderPay", { orderID }, context))
      .rejects.toMatchObject({ message: "the caller disconnected" });
  };
  for (let from = 1; from <= CANCELLED; from += AT_ONCE) {
    const ids = Array.from({ length: AT_ONCE }, (_, index) => BigInt(from + index));
    await Promise.all(ids.map(cancel));
  }
  answer.resolve({});
  expect(await staying).toEqual({});
});
