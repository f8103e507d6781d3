import process from "node:process";
import { runService } from "../shared/run-service.ts";

await runService("loms", async () => {
  const { lomsConfig } = await import("./config.ts");
  const config = lomsConfig(process.env);
  const { startLoms } = await import("./service.ts");
  const { loadBus } = await import("../shared/bus/create-bus.ts");
  await loadBus(config);
  return { config, start: startLoms };
});
