import { resolveLongManifests } from "../../shared/module-loading.ts";

resolveLongManifests();
