import process from "node:process";
import { runService } from "../../shared/run-service.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { METRICS_OFF } from "./levels.ts";

// Runs a service as its main.ts does, or with no-op metrics: `subject.ts cart|loms`.

const noop = {
  ...{ inc() {}, set() {}, reset() {}, remove() {}, observe() {} },
  labels: () => noop,
};

function disableMetrics(): void {
  const { prototype } = Metrics;
  prototype.counter = () => noop as never;
  prototype.gauge = () => noop as never;
  prototype.histogram = () => noop as never;
  prototype.watchProcess = () => {};
}

const [part] = process.argv.slice(2);
if (process.env.BENCH_METRICS === METRICS_OFF.BENCH_METRICS) disableMetrics();
if (part === "cart") {
  await runService("cart", async () => {
    const { cartConfig } = await import("../../cart/config.ts");
    const { startCart } = await import("../../cart/service.ts");
    return { config: cartConfig(process.env), start: startCart };
  });
} else {
  await runService("loms", async () => {
    const { lomsConfig } = await import("../../loms/config.ts");
    const { startLoms } = await import("../../loms/service.ts");
    return { config: lomsConfig(process.env), start: startLoms };
  });
}
