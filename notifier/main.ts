import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { notifierConfig } from "./config.ts";
import { startNotifier } from "./service.ts";

const startLog = createLogger({ service: "notifier", level: "info" });

await runService(startLog, () => {
  const config = notifierConfig(process.env);
  const { LOG_LEVEL: level, LOG_FORMAT: format } = config;
  const log = createLogger({ service: "notifier", level, format });
  return startNotifier(config, { log, output: process.stdout });
});
