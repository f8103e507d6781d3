import { expect, onTestFinished, test } from "vitest";
import { openShopFixture } from "../invariants/shop-fixture.ts";
import { checkBoughtOnce } from "./bought-once.ts";

test("checkBoughtOnce() reports a user with two orders, unless one of them failed", async () => {
  const shop = await openShopFixture();
  onTestFinished(() => shop.close());
  // User 7 has orders 1 to 4, of which the last one failed.
  const one = "update orders set user_id = order_id where order_id < 3";
  expect((await shop.planted(checkBoughtOnce, one)).violations).toEqual([]);
  const both = "update orders set user_id = order_id where order_id = 3";
  const finding = await shop.planted(checkBoughtOnce, both);
  expect(finding.violations).toEqual(["user 7 has orders 1, 2"]);
});
