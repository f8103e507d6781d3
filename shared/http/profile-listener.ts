import { z } from "zod";
import { sleep, systemClock } from "../async/request-context.ts";
import { type HostPort, LOG_LEVELS } from "../config.ts";
import { AppError } from "../errors.ts";
import type { CloseStack } from "../lifecycle.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { cpuPprof, heapPprof } from "../telemetry/pprof.ts";
import { ProcessProfiler } from "../telemetry/profiler.ts";
import { answerJson, answerText, createHttpApp, mount } from "./app.ts";
import type { MountedRoute } from "./exchange.ts";
import { serve } from "./listen.ts";

const PROFILE_SECONDS_MAX = 120;
/** The default of Go's net/http/pprof. */
const PROFILE_SECONDS_DEFAULT = 30;
/** The longest profile, plus the time to write it. */
const REQUEST_TIMEOUT_MS = (PROFILE_SECONDS_MAX + 30) * 1_000;
const PROFILE_TYPE = "application/octet-stream";
const LOG_LEVEL_PATH = "/debug/log-level";

/**
 * Serves profiles and the log level on a separate listener for operators. If the address is in use
 * or the runtime does not allow it, logs a warning and serves none.
 */
export async function openProfileListener(
  address: HostPort,
  log: ProcessLog,
  opened: CloseStack,
): Promise<void> {
  const profiler = new ProcessProfiler();
  try {
    await profiler.open();
    const app = createHttpApp({ log, timeoutMs: REQUEST_TIMEOUT_MS });
    mount(app, [...profileRoutes(profiler), ...logLevelRoutes(log)]);
    const server = await serve(app.fetch, address);
    opened.push("the profiler", () => profiler.close());
    // A profile in progress is cut off.
    opened.push("the profile listener", () => server.close(0));
  } catch (error) {
    profiler.close();
    log.warn("the profile listener is disabled", { error });
  }
}

/** The paths of Go's net/http/pprof, for its tools and others with the same format. */
function profileRoutes(profiler: ProcessProfiler): MountedRoute[] {
  return [
    {
      method: "get",
      path: "/debug/pprof",
      run: (c) => answerText(c, 200, INDEX, { "content-type": "text/plain; charset=utf-8" }),
    },
    {
      method: "get",
      path: "/debug/pprof/profile",
      async run(c) {
        const lengthMs = secondsOf(c.req.query("seconds")) * 1_000;
        const { signal } = c.get("exchange").context;
        // A client that disconnects ends its profile, so that another can start.
        const wait = () => sleep(systemClock, lengthMs, signal).catch(() => {});
        const profile = await cpuPprof(await profiler.cpu(wait));
        return answerText(c, 200, profile, profileHeaders("profile"));
      },
    },
    {
      method: "get",
      path: "/debug/pprof/heap",
      async run(c) {
        const profile = await heapPprof(await profiler.heap());
        return answerText(c, 200, profile, profileHeaders("heap"));
      },
    },
  ];
}

const INDEX = `profile?seconds=N  what the processor does for N seconds, 1 to ${PROFILE_SECONDS_MAX}
heap               what is alive in the heap, by where it was allocated

go tool pprof -http=: http://<this address>/debug/pprof/profile?seconds=10
`;

const seconds = z.string().regex(/^[0-9]{1,9}$/).transform(Number)
  .pipe(z.number().min(1).max(PROFILE_SECONDS_MAX));

function secondsOf(text: string | undefined): number {
  if (text === undefined) return PROFILE_SECONDS_DEFAULT;
  const result = seconds.safeParse(text);
  if (result.success) return result.data;
  throw invalidQuery("seconds", `must be an integer from 1 to ${PROFILE_SECONDS_MAX}`);
}

function profileHeaders(name: string): Record<string, string> {
  return {
    "content-type": PROFILE_TYPE,
    "content-disposition": `attachment; filename="${name}.pb.gz"`,
  };
}

const level = z.enum(LOG_LEVELS);

/** GET returns the level of the log, PUT sets it with `?level=debug`. */
export function logLevelRoutes(log: ProcessLog): MountedRoute[] {
  return [
    { method: "get", path: LOG_LEVEL_PATH, run: (c) => answerJson(c, 200, { level: log.level }) },
    {
      method: "put",
      path: LOG_LEVEL_PATH,
      run(c) {
        const result = level.safeParse(c.req.query("level"));
        if (!result.success) {
          throw invalidQuery("level", `must be one of ${LOG_LEVELS.join(", ")}`);
        }
        const before = log.level;
        log.level = result.data;
        if (before !== log.level) log.warn("the log's level changed", { before, now: log.level });
        return answerJson(c, 200, { level: log.level });
      },
    },
  ];
}

function invalidQuery(path: string, message: string): AppError {
  return new AppError("invalid_argument", `${path} ${message}`, { fields: [{ path, message }] });
}
