// Runs cart as its main.ts does, except that an add for buyer FILL + n first adds a line to the
// cart of each buyer from 1 to n: a million adds over HTTP take minutes.
import process from "node:process";
import { MemoryCarts } from "../../cart/repository/memory.ts";
import { runService } from "../../shared/run-service.ts";
import { FILL } from "./fill.ts";

const { addItem } = MemoryCarts.prototype;
let filled = 0n;

MemoryCarts.prototype.addItem = async function (userId, line, limits) {
  for (; filled < userId - FILL; filled++) await addItem.call(this, filled + 1n, line, limits);
  return await addItem.call(this, userId, line, limits);
};

await runService("cart", async () => {
  const { cartConfig } = await import("../../cart/config.ts");
  const { startCart } = await import("../../cart/service.ts");
  return { config: cartConfig(process.env), start: startCart };
});
