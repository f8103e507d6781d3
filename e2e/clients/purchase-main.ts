import process from "node:process";
import { purchase } from "./purchase.ts";

const [cart = "", loms = "", ...users] = process.argv.slice(2);
for (const user of users) {
  console.log(JSON.stringify(await purchase({ cart, loms }, BigInt(user))));
}
