import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Stack } from "../../stack/start.ts";
import { type Beside, startBeside } from "../beside.ts";
import { eventually } from "../eventually.ts";
import { hold } from "../hold.ts";
import { call } from "../http.ts";
import { openDatabase } from "../invariants/snapshot.ts";
import { newDataDirectory, removeDirectory, startOwnStack } from "../own-stack.ts";
import { type Shop, shopAt } from "../shop.ts";
import { newUser } from "../users.ts";
import { startStoreServer, type StoreServer } from "./store-server.ts";

// Two processes of cart on one store. The second is killed between two steps of a checkout.

const stores = inject("stores");
const PASSWORD = "p@ss/word";
const SKU = 1_625_903;
const SCARCE_SKU = 139_818_428;

describe.skipIf(!stores)("carts in a store", () => {
  let directory: string;
  let server: StoreServer;
  let stack: Stack;
  let environment: { CART_STORE_URL: string };
  let first: Shop;
  let second: Beside;

  beforeAll(async () => {
    directory = newDataDirectory();
    server = await startStoreServer({
      program: stores?.["valkey-server"] as string,
      directory,
      args: ["--requirepass", PASSWORD],
      client: { password: PASSWORD },
    });
    const password = encodeURIComponent(PASSWORD);
    environment = { CART_STORE_URL: `redis://:${password}@127.0.0.1:${server.port}` };
    stack = await startOwnStack({ environment });
    first = shopAt(stack);
    second = await startBeside("cart", stack, environment);
  });
  afterAll(async () => {
    await second.close();
    await stack.close();
    await server.kill();
    removeDirectory(directory);
  });

  const through = ({ url }: Beside) => shopAt({ urls: { ...stack.urls, cart: url } });

  /** Replaces the second cart, which was killed. */
  async function replaceSecond(): Promise<void> {
    second = await startBeside("cart", stack, environment);
  }

  async function killSecond(): Promise<void> {
    second.process.signal("SIGKILL");
    await second.process.ended;
  }

  async function ordersOf(user: number): Promise<string[]> {
    const database = openDatabase(stack.databases.loms);
    try {
      const rows = await database<{ order_id: string }[]>`
        select order_id from orders where user_id = ${user}`;
      return rows.map(({ order_id }) => order_id);
    } finally {
      await database.end({ timeout: 0 });
    }
  }

  /** Blocks the checkout of the second cart in loms. */
  async function heldInLoms(user: number) {
    const row = await hold(
      stack.databases.loms,
      `select from stocks where sku = ${SKU} for update`,
    );
    const checkout = through(second).tryCheckout(user).catch(() => undefined);
    await row.blocks("order_create");
    return { row, checkout };
  }

  test("each process shows the same cart", async () => {
    const user = newUser();
    const other = through(second);
    await first.add(user, SKU, 2);
    await other.add(user, SKU, 3);
    expect(await first.inCart(user)).toEqual({ [SKU]: 5 });
    await call(second.url, `DELETE /user/${user}/cart/${SKU}`);
    expect(await first.inCart(user)).toEqual({});
  });

  test("together they never add more to a cart than is available", async () => {
    const user = newUser();
    const stock = await first.stock(SKU);
    const count = Math.ceil(stock / 5);
    const shops = [first, through(second)];
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, at) => (shops[at % 2] as Shop).tryAdd(user, SKU, count)),
    );
    const added = answers.filter(({ status }) => status === 200).length;
    expect((await first.inCart(user))[SKU]).toBe(added * count);
    expect(added * count).toBeLessThanOrEqual(stock);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(12 - added);
  });

  test("one user's checkouts at both processes are one order with one answer", async () => {
    const shops = [first, through(second)];
    await Promise.all(Array.from({ length: 20 }, async () => {
      const user = newUser();
      await first.add(user, SKU, 2);
      const answers = await Promise.all(
        [0, 1, 0, 1].map((at) => (shops[at] as Shop).tryCheckout(user)),
      );
      const orders = await ordersOf(user);
      expect(orders).toHaveLength(1);
      const given = answers.filter(({ status }) => status === 200)
        .map(({ body }) => String(body["order_id"]));
      expect(given.length).toBeGreaterThan(0);
      expect(new Set(given)).toEqual(new Set(orders));
      // A checkout that arrived after the items had left the cart found it empty.
      expect(
        answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 404),
      )
        .toEqual([]);
      expect(await first.inCart(user)).toEqual({});
    }));
  });

  test("after a refusal by loms both processes still have the cart", async () => {
    const user = newUser();
    await first.add(user, SKU, 1);
    await expect(first.tryAdd(user, SCARCE_SKU, 1)).resolves.toMatchObject({ status: 412 });
    expect(await through(second).inCart(user)).toEqual({ [SKU]: 1 });
  });

  test("killed before loms has created the order: the other cart creates it, once", async () => {
    const user = newUser();
    await first.add(user, SKU, 4);
    const { row, checkout } = await heldInLoms(user);
    await first.add(user, SKU, 1);
    await killSecond();
    expect(await checkout).toBeUndefined();
    await row.endWaiting();
    const order = await first.checkout(user);
    expect(await ordersOf(user)).toEqual([String(order)]);
    expect(await first.inCart(user), "units added since").toEqual({ [SKU]: 1 });
    await replaceSecond();
  });

  test("killed while loms creates the order: the other cart reports that order", async () => {
    const user = newUser();
    await first.add(user, SKU, 4);
    const { row, checkout } = await heldInLoms(user);
    await killSecond();
    expect(await checkout).toBeUndefined();
    await row.release();
    const order = await eventually(() => first.checkout(user));
    expect(await ordersOf(user)).toEqual([String(order)]);
    expect(await first.inCart(user)).toEqual({});
    await replaceSecond();
  });

  test("killed before the ordered items have left the cart: they leave once", async () => {
    const user = newUser();
    await first.add(user, SKU, 4);
    const { row, checkout } = await heldInLoms(user);
    await server.kill();
    // It does not process the answer of loms, nor answer its caller.
    second.process.signal("SIGSTOP");
    await row.release();
    await eventually(async () => expect(await ordersOf(user)).toHaveLength(1));
    await killSecond();
    await server.restart();
    expect(await checkout).toBeUndefined();
    await eventually(async () => expect(await first.inCart(user)).toEqual({ [SKU]: 4 }));
    await first.add(user, SKU, 1);
    const order = await first.checkout(user);
    expect(await ordersOf(user)).toEqual([String(order)]);
    expect(await first.inCart(user)).toEqual({ [SKU]: 1 });
    await replaceSecond();
  });

  test("an attempt lost after its order, with other prices: the answer is that order", async () => {
    const user = newUser();
    await first.add(user, SKU, 2);
    const key = `cart:{${user % 256}}:cart:${user}`;
    const revision = await server.command("hget", key, "revision") as string;
    const items = [{ sku: SKU, count: 2, price: 1 }];
    const made = await first.tryCreate(user, items, { "idempotency-key": revision });
    expect(await first.checkout(user)).toBe(made.body["orderID"]);
    expect(await ordersOf(user)).toHaveLength(1);
    expect(await first.inCart(user)).toEqual({});
  });

  test("a restarted cart still has its carts", async () => {
    const user = newUser();
    await first.add(user, SKU, 2);
    await stack.restart("cart");
    expect(await first.inCart(user)).toEqual({ [SKU]: 2 });
  });

  test.each(["killed", "frozen"])(
    "a store that is %s: 503 and not ready, later ready without a restart",
    async (how) => {
      const user = newUser();
      await first.add(user, SKU, 2);
      if (how === "killed") await server.kill();
      else server.pause();
      for (
        const request of [`POST /user/${user}/cart/${SKU}`, `POST /user/${user}/cart/checkout`]
      ) {
        const body = request.endsWith("checkout") ? {} : { count: 1 };
        const answer = await call(stack.urls.cart, request, { body });
        expect(answer.status, answer.text).toBe(503);
        expect(answer.headers.get("retry-after")).toBe("1");
        expect(answer.text).not.toContain(String(server.port));
      }
      const ready = await call(stack.urls.cart, "GET /readyz");
      expect(ready.status).toBe(503);
      expect(ready.body["reasons"]).toEqual({ store: "The cart store is unavailable" });
      if (how === "killed") await server.restart();
      else server.resume();
      await eventually(async () => {
        expect((await call(stack.urls.cart, "GET /readyz")).status).toBe(200);
      });
      const { [SKU]: count } = await first.inCart(user);
      expect([2, 3], "an addition may have been done without an answer").toContain(count);
      await eventually(() => first.checkout(user));
      expect(await ordersOf(user)).toHaveLength(1);
    },
  );
});
