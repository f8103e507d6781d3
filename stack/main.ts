import { registerModuleHooks } from "../shared/module-loading.ts";

registerModuleHooks();
await import("./launcher.ts");
