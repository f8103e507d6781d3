import process from "node:process";
import { runService } from "../shared/run-service.ts";

await runService("loms", async () => {
  const { lomsConfig } = await import("./config.ts");
  const { startLoms } = await import("./service.ts");
  return { config: lomsConfig(process.env), start: startLoms };
});
