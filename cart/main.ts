import process from "node:process";
import { runService } from "../shared/run-service.ts";

await runService("cart", async () => {
  const { cartConfig } = await import("./config.ts");
  const { startCart } = await import("./service.ts");
  return { config: cartConfig(process.env), start: startCart };
});
