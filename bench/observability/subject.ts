import process from "node:process";
import { runService } from "../../shared/run-service.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { METRICS_OFF } from "./levels.ts";

// A service as its own main.ts runs it, or with metrics that count nothing: `subject.ts cart|loms`.

const nothing = { inc() {}, set() {}, reset() {}, remove() {}, observe() {} };

function countNothing(): void {
  const { prototype } = Metrics;
  prototype.counter = () => nothing as never;
  prototype.gauge = () => nothing as never;
  prototype.histogram = () => nothing as never;
  prototype.watchProcess = () => {};
}

const [part] = process.argv.slice(2);
if (process.env.BENCH_METRICS === METRICS_OFF.BENCH_METRICS) countNothing();
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
