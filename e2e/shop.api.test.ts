import { execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { eventually } from "./eventually.ts";
import { shopAt } from "./shop.ts";
import { newUser } from "./users.ts";

const shop = inject("shop");
const SKU = 773_297_411;
const NO_PRODUCT = 4_294_967_295;
/** Without available units: 100 in total and 101 reserved. */
const SKU_SOLD_OUT = 139_818_428;
const SHOP = fileURLToPath(new URL("../tools/shop.ts", import.meta.url));
/** Above every deadline of the services. */
const COMMAND_MAX_MS = 60_000;

/** The folder of the file that describes the stack, as `npm start` writes it. */
let stackFolder: string;
beforeAll(async () => {
  stackFolder = await mkdtemp(join(tmpdir(), "shop-"));
  await writeFile(join(stackFolder, "stack.json"), JSON.stringify(shop));
});
afterAll(async () => {
  await rm(stackFolder, { recursive: true });
});

interface Said {
  readonly code: number;
  readonly out: string;
  readonly error: string;
}

function runShop(...args: (string | number | bigint)[]): Promise<Said> {
  return runAt(stackFolder, ...args);
}

function runAt(directory: string, ...args: (string | number | bigint)[]): Promise<Said> {
  const options = { env: { STACK_DATA: directory }, timeout: COMMAND_MAX_MS };
  return new Promise((resolve) => {
    execFile(process.execPath, [SHOP, ...args.map(String)], options, (failure, out, error) => {
      resolve({ code: Number(failure?.code ?? 0), out, error });
    });
  });
}

test("a purchase works with single commands", async () => {
  const user = newUser();
  const listed = await runShop("products", 3);
  expect(listed, listed.error).toMatchObject({ code: 0 });
  expect(listed.out).toMatch(/more: products 3 \d+\n$/);
  expect(await runShop("add", user, SKU, 2)).toMatchObject({ code: 0 });
  const cart = await runShop("cart", user);
  expect(cart.out).toContain("2 × 2202");
  expect(cart.out).toContain("total 4404");
  const checkout = await runShop("--json", "checkout", user);
  const { order_id } = JSON.parse(checkout.out) as { order_id: number };
  expect((await runShop("order", order_id)).out).toContain(`of user ${user}: awaiting payment`);
  expect(await runShop("pay", order_id)).toMatchObject({ code: 0, error: "" });
  expect(await shopAt(shop).status(order_id)).toBe("payed");
  const cancel = await runShop("cancel", order_id);
  expect(cancel.code).toBe(1);
  expect(cancel.error).toContain("(412 failed_precondition)");
});

test("a checkout agrees to a total, and reports what has changed", async () => {
  const user = newUser();
  await runShop("add", user, SKU, 2);
  const refused = await runShop("checkout", user, 4_403);
  expect(refused).toMatchObject({ code: 1, out: "" });
  expect(refused.error).toMatch(
    /^changed since you looked: 4403 then, 4404 now \(.*\n {2}773297411 +2202 each\n {2}trace /,
  );
  const programs = await runShop("--json", "checkout", user, 0);
  expect(JSON.parse(programs.error)).toMatchObject({ status: 412, total_price: 4_404 });
  const agreed = await runShop("--json", "checkout", user, 4_404);
  const { order_id } = JSON.parse(agreed.out) as { order_id: number };
  expect((await runShop("order", order_id)).out)
    .toMatch(/awaiting payment\n {2}773297411 +2 × 2202\ntotal 4404\n$/);
  expect((await runShop("cancel", order_id)).code).toBe(0);
});

test("--json keeps every digit of an id", async () => {
  const user = 2n ** 63n - 1n;
  await runShop("add", user, SKU, 1);
  const checkout = await runShop("--json", "checkout", user);
  const { order_id } = JSON.parse(checkout.out) as { order_id: number };
  expect((await runShop("order", order_id, "--json")).out).toContain(`"user":${user},`);
  expect((await runShop("cancel", order_id)).code).toBe(0);
});

test("a refusal shows the content of the problem, for people and for programs", async () => {
  const user = newUser();
  const added = await runShop("add", user, NO_PRODUCT, 1);
  expect(added).toMatchObject({ code: 1, out: "" });
  expect(added.error).toMatch(/\(412 failed_precondition\)\n {2}trace [0-9a-f]{32}\n$/);
  const invalid = await runShop("add", user, SKU, 65_536);
  expect(invalid.error).toContain("count must be an integer from 1 to 65535");
  const programs = await runShop("--json", "stock", SKU_SOLD_OUT + 1);
  expect(programs).toMatchObject({ code: 1, out: "" });
  expect(JSON.parse(programs.error)).toMatchObject({ status: 404, code: "not_found" });
});

test("usage errors and a missing system have their own exit codes", async () => {
  expect(await runShop("buy")).toMatchObject({
    code: 2,
    error: `shop: there is no "buy", see --help\n`,
  });
  expect((await runShop("add", 1)).error).toBe("shop: add lacks SKU\n");
  expect((await runShop("--loud")).code).toBe(2);
  expect(await runShop("products", 0)).toMatchObject({
    code: 2,
    error: "shop: PAGE is 1 to 100\n",
  });
  const help = await runShop("--help");
  expect(help.code).toBe(0);
  expect(help.out).toContain("add USER SKU [COUNT]");
  const nowhere = await runAt("/nowhere", "cart", 1);
  expect(nowhere.code).toBe(1);
  expect(nowhere.error).toContain("nothing runs here");
});

/** On a pseudoterminal, without which it would not prompt; every Debian has bsdutils. */
function onTerminal(command: string) {
  return spawn("script", ["--quiet", "--return", "--command", command, "/dev/null"], {
    env: { STACK_DATA: stackFolder, PATH: process.env["PATH"], TERM: "xterm" },
  });
}

test("a buyer at a terminal buys and sees the notifications", async () => {
  const child = onTerminal(`${process.execPath} ${SHOP}`);
  let seen = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => seen += text);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  /** A notification may be shown before the answer. */
  const type = async (line: string, ...shown: RegExp[]) => {
    const before = seen.length;
    child.stdin.write(`${line}\r`);
    await eventually(() => {
      for (const each of shown) expect(seen.slice(before)).toMatch(each);
    });
  };
  await eventually(() => expect(seen).toMatch(/user \d+> /));
  await type("cart", /\(404 not_found\)/);
  await type("products 2", /more: products 2/);
  await type(`add ${SKU}`, /1 of 773297411 in the cart/);
  const notified = /notification: order \d+ is awaiting payment/;
  await type("checkout", /order \d+ awaits payment/, notified);
  await type("pay", /(?<!notification: )order \d+ is payed/, /notification: order \d+ is payed/);
  const user = Number(/You are user (\d+)/.exec(seen)?.[1]);
  await type(`add ${SKU}`, /1 of 773297411 in the cart/);
  await type("cart", /total 2202/);
  await shopAt(shop).add(user, SKU, 1);
  await type("checkout", /changed since you looked: 2202 then, 4404 now/);
  await type("checkout", /order \d+ awaits payment/);
  await type("cancel", /order \d+ is cancelled/);
  await type("dance", /There is no "dance"/);
  child.stdin.write("quit\r");
  expect(await ended, "exit code of a session with a refusal").toBe(1);
});

test("commands can be read from a pipe, without a prompt", async () => {
  const child = spawn(process.execPath, [SHOP], { env: { STACK_DATA: stackFolder } });
  let out = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  child.stdin.end(`user\nadd ${SKU}\ncheckout\ncancel\norder\n`);
  expect(await ended).toBe(0);
  expect(out).toMatch(
    /order (\d+) is cancelled\n(.*\n)*order \1 of user \d+: cancelled \(buyer\)\n/,
  );
  expect(out).not.toContain("> ");
});

test("watch prints the notifications of a user until Ctrl-C", async () => {
  const user = newUser();
  const child = spawn(process.execPath, [SHOP, "watch", "--json", String(user)], {
    env: { STACK_DATA: stackFolder },
  });
  let [out, error] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => out += text);
  child.stderr.setEncoding("utf8").on("data", (text: string) => error += text);
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  await eventually(() => expect(error).toContain("watching"));
  const others = await shopAt(shop).create(newUser(), SKU, 1);
  const order = await shopAt(shop).create(user, SKU, 1);
  await eventually(() => expect(out.trim().split("\n")).toHaveLength(2));
  await shopAt(shop).cancel(order);
  await shopAt(shop).cancel(others);
  const reported = await eventually(() => {
    const lines = out.trim().split("\n").map((line) => JSON.parse(line) as { status: string });
    expect(lines).toHaveLength(3);
    return lines;
  });
  expect(reported.map(({ status }) => status)).toEqual(["new", "awaiting payment", "cancelled"]);
  child.kill("SIGINT");
  expect(await ended).toBe(0);
  expect(readFileSync(join(shop.logDirectory, "notifier.log"), "utf8")).toContain(String(others));
});
