import { registerModuleHooks } from "../../shared/module-loading.ts";

registerModuleHooks();
