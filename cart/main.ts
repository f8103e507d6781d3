import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { cartConfig } from "./config.ts";
import { startCart } from "./service.ts";

const startLog = createLogger({ service: "cart", level: "info" });

await runService(startLog, () => {
  const config = cartConfig(process.env);
  const log = createLogger({
    service: "cart",
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
  });
  return startCart(config, log);
});
