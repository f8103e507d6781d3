import process from "node:process";
import { runService } from "../shared/run-service.ts";

await runService("notifier", async () => {
  const { notifierConfig } = await import("./config.ts");
  const { startNotifier } = await import("./service.ts");
  return {
    config: notifierConfig(process.env),
    start: (config, log) => startNotifier(config, { log, output: process.stdout }),
  };
});
