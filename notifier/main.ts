import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { notifierConfig } from "./config.ts";
import { startNotifier } from "./service.ts";

await runService(
  "notifier",
  () => notifierConfig(process.env),
  (config, log) => startNotifier(config, { log, output: process.stdout }),
);
