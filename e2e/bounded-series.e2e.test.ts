import { randomInt } from "node:crypto";
import { expect, inject, test } from "vitest";
import { readSamples } from "../shared/telemetry/samples.ts";
import { Random } from "./crash-test/random.ts";
import { eventually } from "./eventually.ts";
import { type GrpcCaller, grpcCaller } from "./raw-grpc.ts";

/** About a hundred of each kind. */
const REQUESTS = 2_000;
const AT_ONCE = 16;
/** Above every deadline of the services. */
const REQUEST_MAX_MS = 20_000;
/** Each costs a call to the product service, which allows 10 a second. */
const UNKNOWN_SKUS_MAX = 8;
const VERBS = ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND", "PURGE"];
/** Reported by the runtime, independent of requests. */
const OF_RUNTIME = /^nodejs_|^process_/;

const { cart, loms = "", lomsGrpc = "", notifier = "", products } = inject("shop").urls;

async function series(): Promise<string[]> {
  const reported = await Promise.all([cart, loms, notifier, products].map(async (url) => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return [...readSamples(text).keys()].map((name) => `${url} ${name}`);
  }));
  return reported.flat().filter((name) => !OF_RUNTIME.test(name.split(" ")[1] ?? "")).sort();
}

/** Values that a client can invent, in any number. */
function madeUp(random: Random, { call }: Pick<GrpcCaller, "call">) {
  const word = () => random.integer(0, 2 ** 32 - 1).toString(36);
  const number = () => random.integer(1, 2 ** 47);
  const sku = () => random.integer(2_000_000_000, 2 ** 32 - 1);
  const verb = () => VERBS[random.integer(0, VERBS.length - 1)] ?? "";
  const post = (url: string, body: object) => ({
    url,
    method: "POST",
    headers: { "content-type": "application/json", "x-request-id": word(), "user-agent": word() },
    body: JSON.stringify(body),
  });
  const kinds = [
    () => ({ url: `${cart}/${word()}/${word()}`, method: verb() }),
    () => ({ url: `${loms}/v1/${word()}?${word()}=${word()}`, method: verb() }),
    () => ({ url: `${notifier}/${word()}`, method: verb() }),
    () => ({ url: `${cart}/user/${number()}/cart/list`, method: verb() }),
    () => ({ url: `${cart}/user/${number()}/cart/${sku()}`, method: "DELETE" }),
    () => ({ url: `${cart}/user/${number()}/cart/checkout`, method: "POST" }),
    () => post(`${cart}/user/${number()}/cart/${word()}`, { [word()]: word() }),
    () => post(`${cart}/user/${number()}/cart/${2 ** 33 + number()}`, { count: 1 }),
    () => post(`${loms}/v1/stock/info`, { sku: sku() }),
    () => post(`${loms}/v1/order/info`, { orderID: number() }),
    () => post(`${loms}/v1/order/pay`, { orderID: number() }),
    () => post(`${loms}/v1/order/create`, { user: number(), [word()]: [] }),
  ];
  const rpcs = [
    () => call(`/loms.v1.Loms/${word()}`, new Uint8Array()),
    () => call(`/${word()}.${word()}/OrderInfo`, new Uint8Array()),
    () => call("/loms.v1.Loms/OrderInfo", orderFarAhead(random)),
    () => call("/loms.v1.Loms/StocksInfo", unknownField(random)),
  ];
  const send = async ({ url, ...init }: { url: string } & RequestInit) => {
    const response = await fetch(url, { ...init, signal: AbortSignal.timeout(REQUEST_MAX_MS) });
    await response.arrayBuffer();
  };
  return {
    /** One of each kind. */
    each: () => Promise.all([...kinds.map((kind) => send(kind())), ...rpcs.map((rpc) => rpc())]),
    one: () => {
      const at = random.integer(0, kinds.length + rpcs.length - 1);
      const kind = kinds[at];
      return kind ? send(kind()) : rpcs[at - kinds.length]?.();
    },
    unknownSku: () => send(post(`${cart}/user/${number()}/cart/${sku()}`, { count: 1 })),
    verbs: () =>
      Promise.all(VERBS.flatMap((method) => [
        send({ url: `${cart}/${word()}`, method }),
        send({ url: `${loms}/v1/${word()}`, method }),
        send({ url: `${notifier}/${word()}`, method }),
        send({ url: `${cart}/user/${number()}/cart/list`, method }),
      ])),
  };
}

/** Field 1, a varint of five bytes: ids above those of all orders. */
function orderFarAhead(random: Random): Uint8Array {
  const low = Array.from({ length: 4 }, () => random.integer(128, 255));
  return Uint8Array.of(1 << 3, ...low, 127);
}

/** A varint in a field that no message has. */
function unknownField(random: Random): Uint8Array {
  return Uint8Array.of(random.integer(8, 15) << 3, random.integer(0, 127));
}

test("2,000 requests with random paths, verbs, methods, ids and SKUs add no series", async () => {
  const seed = randomInt(2 ** 31);
  const grpc = grpcCaller(lomsGrpc);
  const { each, one, unknownSku, verbs } = madeUp(new Random(seed), grpc);
  await Promise.all([each(), verbs(), unknownSku()]);
  // A scrape counts in the next one, so the second is the first to be complete.
  await series();
  const before = await eventually(async () => {
    const [first, second] = [await series(), await series()];
    expect(second).toEqual(first);
    return second;
  });
  let left = REQUESTS;
  await Promise.all(Array.from({ length: AT_ONCE }, async () => {
    while (left-- > 0) await (left % (REQUESTS / UNKNOWN_SKUS_MAX) === 0 ? unknownSku() : one());
  }));
  grpc.close();
  const after = await series();
  expect(before.length).toBeGreaterThan(100);
  expect(after.filter((name) => !before.includes(name)), `seed ${seed}`).toEqual([]);
  expect(after).toHaveLength(before.length);
});
