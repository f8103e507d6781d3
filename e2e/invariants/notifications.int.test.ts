import { appendFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkNotifications } from "./notifications.ts";
import {
  ALL_SHOWN,
  notification as line,
  openShopFixture,
  type ShopFixture,
  STARTED,
} from "./shop-fixture.ts";
import type { Snapshot } from "./snapshot.ts";

let shop: ShopFixture;
beforeAll(async () => {
  shop = await openShopFixture();
});
afterAll(() => shop.close());

const planted = async (...plant: Parameters<ShopFixture["planted"]>) =>
  (await shop.planted(...plant)).violations;

test.each([
  [
    "an event that was shown out of order",
    [line(2, 2, "awaiting payment"), line(2, 1, "new"), line(2, 3, "payed")],
    "of order 2 was shown 2 awaiting payment, 1 new, 3 payed, and published 1 new, " +
    "2 awaiting payment, 3 payed",
    "event 1 (new) of order 2 was shown again by one process",
  ],
  [
    "an event of another status",
    [line(2, 1, "new"), line(2, 2, "failed"), line(2, 3, "payed")],
    "of order 2 was shown 1 new, 2 failed, 3 payed, and published 1 new, 2 awaiting payment, " +
    "3 payed",
  ],
  [
    "an event that one process shows twice",
    [...ALL_SHOWN, line(2, 3, "payed")],
    "event 3 (payed) of order 2 was shown again by one process",
  ],
  [
    "another's event",
    [...ALL_SHOWN.slice(0, 2).map((shown) => ({ ...shown, user_id: 8 })), ...ALL_SHOWN.slice(2)],
    "order 1 of user 7 was shown as user 8's",
  ],
])("checkNotifications() reports %s", async (_what, lines, ...sentences) => {
  const others = ALL_SHOWN.filter(({ order_id }) =>
    !lines.some((shown) => shown.order_id === order_id)
  );
  const log = shop.logOf([STARTED, ...others, ...lines]);
  const check = (snapshot: Snapshot) => checkNotifications(snapshot, [log]);
  expect(await planted(check)).toEqual(sentences);
});

test("checkNotifications() waits for unshown events, and not for unpublished ones", async () => {
  const log = shop.logOf([STARTED, ...ALL_SHOWN.slice(0, -2), `{"order_id":4,"user_id":7,"se`]);
  const check = (snapshot: Snapshot) => {
    // The call has read the log once when it returns.
    const finding = checkNotifications(snapshot, [log]);
    appendFileSync(log, `\n${JSON.stringify(ALL_SHOWN.at(-2))}\n`);
    return finding;
  };
  const unpublished = "update outbox set published_at = null where order_id = 4 and seq = 2";
  expect(await planted(check, unpublished)).toEqual([]);
});

test("checkNotifications() allows repeats after a killed process, and counts them", async () => {
  const repeated = [line(2, 2, "awaiting payment"), line(2, 3, "payed")];
  const one = shop.logOf([STARTED, ...ALL_SHOWN, STARTED, ...repeated]);
  const second = shop.logOf([STARTED, line(1, 2, "awaiting payment", 5)]);
  const finding = await shop.planted((snapshot) => checkNotifications(snapshot, [one, second]));
  expect(finding).toMatchObject({
    violations: [],
    note: "3 shown again after a process had died",
  });
});
