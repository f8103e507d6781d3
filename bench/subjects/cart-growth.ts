import type { CloseStack } from "../../shared/lifecycle.ts";
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commandFor } from "../../stack/processes/runtimes.ts";
import { httpRequest } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import { loadedVariant, type Variant } from "../rounds.ts";
import { type Cart, openCartStandIns, SKUS } from "./cart.ts";
import { FILL } from "./fill.ts";
import type { Growth } from "./loms-growth.ts";

const CALLERS = 32;
const SECONDS = 1;
const REQUESTS = 20_000;
const PROGRAM = fileURLToPath(new URL("growing-cart.ts", import.meta.url));
const MEMORY_PROGRAM = fileURLToPath(new URL("../cart-memory.ts", import.meta.url));

/** A cart process with one cart, and one whose number of carts grows; a line each. */
export async function openCartGrowth(opened: CloseStack): Promise<Growth> {
  const standIns = await openCartStandIns(opened);
  const open = async (name: string): Promise<Cart> => {
    const cart = await standIns.start({ name, command: commandFor("node", PROGRAM, []) });
    await fill(cart, 1);
    return cart;
  };
  const [one, many] = [await open("one cart"), await open("many carts")];
  return {
    async growTo(size) {
      await startAgain(one);
      await fill(many, size);
    },
    variantsOf: (load, size) => [variantTo(load, one, 1), variantTo(load, many, size)],
  };
}

function variantTo(load: string, cart: Cart, size: number): Variant {
  const requests = Array.from({ length: REQUESTS }, (_, index): Request => {
    const user = 1 + Math.floor(Math.random() * size);
    return load === "list" ? httpRequest("GET", `/user/${user}/cart/list`) : add(user, index);
  });
  return loadedVariant(
    `${load}, ${size} carts`,
    {
      ...{ protocol: "http", addresses: [cart.http], requests, callers: CALLERS, seconds: SECONDS },
    },
    [cart],
    [cart],
  );
}

async function fill(cart: Cart, size: number): Promise<void> {
  cart.resume();
  await addOne(cart, FILL + BigInt(size));
  cart.pause();
}

/** Leaves one unit in the one cart, whose lines would fill up from size to size. */
async function startAgain(cart: Cart): Promise<void> {
  cart.resume();
  await fetch(`http://${cart.http}/user/1/cart`, { method: "DELETE" });
  await addOne(cart, 1n);
  cart.pause();
}

async function addOne({ http }: Cart, user: bigint): Promise<void> {
  const response = await fetch(`http://${http}/user/${user}/cart/${SKUS[0]}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ count: 1 }),
  });
  if (!response.ok) throw new Error(`an add to cart ${user} ended with ${response.status}`);
}

/** Rotates the products, because a line of the one cart holds at most 65,535 units. */
function add(user: number, index: number): Request {
  const sku = SKUS[index % SKUS.length];
  return httpRequest("POST", `/user/${user}/cart/${sku}`, { count: 1 });
}

interface CartLineSize {
  readonly linesPerCart: number;
  readonly bytes: number;
}

/** Heap bytes of a line in memory, by lines a cart. */
export async function bytesPerCartLine(lines: number): Promise<CartLineSize[]> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--expose-gc", "--max-old-space-size=4096", MEMORY_PROGRAM, String(lines)],
  );
  return JSON.parse(stdout) as CartLineSize[];
}
