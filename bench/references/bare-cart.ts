// The reference of cart-http.ts: the same two routes without the chain around them. Usage:
// bare-cart.ts PORT
import process from "node:process";
import { serve } from "@hono/node-server";
import { Hono } from "hono";

declare const Deno:
  | { serve(options: { port: number; hostname: string }, fetch: Hono["fetch"]): unknown }
  | undefined;

const carts = new Map<string, Map<number, number>>();
const app = new Hono();

app.get("/readyz", (c) => c.json({}));

app.post("/user/:user/cart/:sku", async (c) => {
  const { count } = await c.req.json<{ count: number }>();
  const { user, sku } = c.req.param();
  let cart = carts.get(user);
  if (!cart) carts.set(user, cart = new Map());
  cart.set(Number(sku), (cart.get(Number(sku)) ?? 0) + count);
  return c.json({});
});

app.get("/user/:user/cart/list", (c) => {
  const items = [...carts.get(c.req.param("user")) ?? []].map(([sku, count]) => (
    { sku_id: sku, name: "Кроссовки Nike JORDAN", count, price: 2_202 }
  ));
  return c.json({ items, total_price: items.reduce((sum, { count }) => sum + 2_202 * count, 0) });
});

const port = Number(process.argv[2]);
const hostname = "127.0.0.1";
if (typeof Deno === "undefined") serve({ fetch: app.fetch, port, hostname });
else Deno.serve({ port, hostname }, app.fetch);
