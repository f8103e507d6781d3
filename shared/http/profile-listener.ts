import type { HostPort } from "../config.ts";
import type { CloseStack } from "../lifecycle.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { ProcessProfiler } from "../telemetry/profiler.ts";
import { createHttpApp, mount } from "./app.ts";
import { logLevelRoutes } from "./log-level-route.ts";
import { PROFILE_SECONDS_MAX, profileRoutes } from "./profile-routes.ts";
import { requestLog } from "./request-log.ts";
import { serve } from "./serve.ts";

/** The longest profile, and the time to write it. */
const REQUEST_TIMEOUT_MS = (PROFILE_SECONDS_MAX + 30) * 1_000;

/**
 * Serves what is for whoever runs the process, on a listener that others do not reach. The service
 * goes on without it when the address is taken or the runtime does not allow it, and says so.
 */
export async function openProfileListener(
  address: HostPort,
  log: ProcessLog,
  opened: CloseStack,
): Promise<void> {
  try {
    const profiler = new ProcessProfiler();
    opened.push("the profiler", () => profiler.close());
    await profiler.open();
    const app = createHttpApp({ observers: [requestLog(log)], timeoutMs: REQUEST_TIMEOUT_MS });
    mount(app, [...profileRoutes(profiler), ...logLevelRoutes(log)]);
    const server = await serve(app.fetch, address);
    // A profile under way is cut off: nobody needs the end of it.
    opened.push("the profile listener", () => server.close(0));
  } catch (error) {
    log.warn("there are no profiles of this process", { error });
  }
}
