import process from "node:process";
import { runService } from "../shared/lifecycle.ts";
import { lomsConfig } from "./config.ts";
import { startLoms } from "./service.ts";

await runService("loms", () => lomsConfig(process.env), startLoms);
