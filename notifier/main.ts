import process from "node:process";
import { runService } from "../shared/run-service.ts";
import { stopWithReader } from "../shared/signals.ts";

// Without a reader it shows nothing; another notifier takes over.
stopWithReader();
await runService("notifier", async () => {
  const { notifierConfig } = await import("./config.ts");
  const config = notifierConfig(process.env);
  const { startNotifier } = await import("./service.ts");
  const { loadBus } = await import("../shared/bus/create-bus.ts");
  await loadBus(config);
  return {
    config,
    start: (config, log) => startNotifier(config, { log, output: process.stdout }),
  };
});
