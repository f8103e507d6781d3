import { expect, onTestFinished, test } from "vitest";
import { RequestContext } from "../async/request-context.ts";
import { aborted } from "../signals.ts";
import { clientOf, inTime, startServer, traceparent } from "./loms-fixture.ts";

const timeoutMs = 60_000;
/** Deno's http2 has no setting for it, and closes a connection after 1000 concurrent ones. */
const CANCELLED = "Deno" in globalThis ? 500 : 3_000;
const AT_ONCE = 100;
/** The call that is not cancelled. */
const STAYING = 0n;

test("a call is not affected by thousands of others that are cancelled", async () => {
  const answer = Promise.withResolvers<object>();
  const callers = new Map<bigint, AbortController>();
  const server = await startServer((call) => {
    const { orderID } = call.read() as { orderID: bigint };
    if (orderID === STAYING) return answer.promise;
    const { signal } = call.context;
    callers.get(orderID)?.abort();
    return aborted(signal).then(() => signal.throwIfAborted());
  });
  onTestFinished(() => server.close());
  const client = clientOf(server);
  onTestFinished(() => client.close());

  const staying = client.call("orderPay", { orderID: STAYING }, inTime(timeoutMs));
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
