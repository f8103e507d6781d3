import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { lomsConfig } from "./config.ts";
import { startLoms } from "./service.ts";

const startLog = createLogger({ service: "loms", level: "info" });

await runService(startLog, () => {
  const config = lomsConfig(process.env);
  const log = createLogger({
    service: "loms",
    level: config.LOG_LEVEL,
    format: config.LOG_FORMAT,
  });
  return startLoms(config, log);
});
