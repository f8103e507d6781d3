import process from "node:process";
import { runService } from "../../shared/run-service.ts";

await runService("products", async () => {
  const { productsConfig } = await import("./config.ts");
  const { startProducts } = await import("./service.ts");
  return { config: productsConfig(process.env), start: startProducts };
});
