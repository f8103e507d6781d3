import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { cartConfig } from "./config.ts";
import { startCart } from "./service.ts";

await runService("cart", () => cartConfig(process.env), startCart);
