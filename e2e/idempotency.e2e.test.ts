import { describe, expect, inject, test } from "vitest";
import { lomsTransports } from "./loms-transports.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const { stock, tryCreate } = shopAt(shop);
const SKU = 4_288_068;
const CALLERS = 50;

const request = (user: number, count: number) =>
  `{"user":${user},"items":[{"sku":${SKU},"count":${count}}]}`;

describe.each(lomsTransports(shop))("idempotency-key by $name", (transport) => {
  test("a repetition gets the first answer and reserves once", async () => {
    const user = newUser();
    const before = await stock(SKU);
    const headers = { "idempotency-key": "one" };
    const first = await transport.call("OrderCreate", request(user, 2), headers);
    const again = await transport.call("OrderCreate", request(user, 2), headers);
    expect(first.code).toBe("ok");
    expect(again).toEqual(first);
    expect(await stock(SKU)).toBe(before - 2);
    await transport.call("OrderCancel", first.response);
  });

  test("lines are compared after summing and sorting", async () => {
    const user = newUser();
    const headers = { "idempotency-key": "sums" };
    const line = (sku: number, count: number) => `{"sku":${sku},"count":${count}}`;
    const split = `{"user":${user},"items":[${line(SKU, 1)},${line(1_002, 1)},${line(SKU, 1)}]}`;
    const whole = `{"user":${user},"items":[${line(1_002, 1)},${line(SKU, 2)}]}`;
    const first = await transport.call("OrderCreate", split, headers);
    expect(first.code).toBe("ok");
    expect(await transport.call("OrderCreate", whole, headers)).toEqual(first);
    await transport.call("OrderCancel", first.response);
  });

  test("other items under one key are already_exists; another user's key is another", async () => {
    const [user, other] = [newUser(), newUser()];
    const headers = { "idempotency-key": "shared words" };
    const first = await transport.call("OrderCreate", request(user, 1), headers);
    expect((await transport.call("OrderCreate", request(user, 2), headers)).code)
      .toBe("already_exists");
    const others = await transport.call("OrderCreate", request(other, 2), headers);
    expect(others.code).toBe("ok");
    expect(others.response).not.toBe(first.response);
    await transport.call("OrderCancel", first.response);
    await transport.call("OrderCancel", others.response);
  });

  test("a repetition after a failure gets the same refusal", async () => {
    const user = newUser();
    const headers = { "idempotency-key": "too much" };
    const first = await transport.call("OrderCreate", request(user, 65_535), headers);
    expect(first.code).toBe("failed_precondition");
    expect(first.shortage).toBeDefined();
    expect(await transport.call("OrderCreate", request(user, 65_535), headers)).toEqual(first);
  });

  test("an invalid request does not use its key", async () => {
    const user = newUser();
    const headers = { "idempotency-key": "again" };
    expect((await transport.call("OrderCreate", request(user, 0), headers)).code)
      .toBe("invalid_argument");
    const created = await transport.call("OrderCreate", request(user, 1), headers);
    expect(created.code).toBe("ok");
    await transport.call("OrderCancel", created.response);
  });

  test.each([
    ["empty", ""],
    ["of 256 characters", "k".repeat(256)],
  ])("a key %s is refused by its name", async (_title, key) => {
    const outcome = await transport.call("OrderCreate", request(newUser(), 1), {
      "idempotency-key": key,
    });
    expect(outcome.code).toBe("invalid_argument");
    expect(outcome.violations.map(({ path }) => path)).toEqual(["idempotency-key"]);
  });

  test("a key of 255 printable characters is accepted", async () => {
    const key = `~${"k".repeat(254)}`;
    const created = await transport.call("OrderCreate", request(newUser(), 1), {
      "idempotency-key": key,
    });
    expect(created.code).toBe("ok");
    await transport.call("OrderCancel", created.response);
  });
});

// gRPC libraries refuse to send one.
test("the gateway refuses a key with a tab inside", async () => {
  const items = [{ sku: SKU, count: 1 }];
  const answer = await tryCreate(newUser(), items, { "idempotency-key": "a\tb" });
  expect(answer.status).toBe(400);
  expect(answer.body.errors?.map(({ path }) => path)).toEqual(["idempotency-key"]);
});

test("fifty concurrent callers with one key get one order", async () => {
  const user = newUser();
  const before = await stock(SKU);
  const answers = await Promise.all(
    Array.from(
      { length: CALLERS },
      () => tryCreate(user, [{ sku: SKU, count: 1 }], { "idempotency-key": "at once" }),
    ),
  );
  expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
  expect(answers[0]?.status).toBe(200);
  expect(await stock(SKU)).toBe(before - 1);
});
