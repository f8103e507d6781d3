import process from "node:process";
import { runService } from "../../shared/lifecycle.ts";
import { productsConfig } from "./config.ts";
import { startProducts } from "./service.ts";

await runService("products", () => productsConfig(process.env), startProducts);
