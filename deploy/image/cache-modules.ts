import { registerModuleHooks } from "../../shared/module-loading.ts";

// Fills Node's compile cache (NODE_COMPILE_CACHE) while an image is built: loads the modules of the
// services, with the bus and the tracing of a container, and the container's health check.

registerModuleHooks();
await Promise.all([
  import("../../cart/service.ts"),
  import("../../loms/service.ts"),
  import("../../notifier/service.ts"),
  import("../../stack/products/service.ts"),
  import("../../shared/bus/kafka.ts"),
  import("../../shared/otlp/exported-tracing.ts"),
  import("../../shared/otlp/otlp-exporter.ts"),
]);
