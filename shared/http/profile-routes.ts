import { z } from "zod";
import { type Clock, systemClock } from "../async/clock.ts";
import { sleep } from "../async/sleep.ts";
import { AppError } from "../errors.ts";
import { cpuPprof, heapPprof } from "../telemetry/pprof.ts";
import type { ProcessProfiler } from "../telemetry/profiler.ts";
import { answerText } from "./answer.ts";
import type { MountedRoute } from "./app.ts";

export const PROFILE_SECONDS_MAX = 120;
/** As Go's net/http/pprof. */
const PROFILE_SECONDS_DEFAULT = 30;
const GZIP = { "content-type": "application/octet-stream" };

const seconds = z.string().regex(/^[0-9]{1,9}$/).transform(Number)
  .pipe(z.number().min(1).max(PROFILE_SECONDS_MAX));

/** The addresses of Go's net/http/pprof, for its tools and those that read the same format. */
export function profileRoutes(
  profiler: Pick<ProcessProfiler, "cpu" | "heap">,
  clock: Clock = systemClock,
): MountedRoute[] {
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
        // A client that leaves ends its profile, so that the next one can have one.
        const wait = () => sleep(clock, lengthMs, signal).catch(() => {});
        const profile = await cpuPprof(await profiler.cpu(wait));
        return answerText(c, 200, profile, { ...GZIP, ...attachment("profile") });
      },
    },
    {
      method: "get",
      path: "/debug/pprof/heap",
      async run(c) {
        const profile = await heapPprof(await profiler.heap());
        return answerText(c, 200, profile, { ...GZIP, ...attachment("heap") });
      },
    },
  ];
}

const INDEX = `profile?seconds=N  what the processor does for N seconds, 1 to ${PROFILE_SECONDS_MAX}
heap               what is alive in the heap, by where it was allocated

go tool pprof -http=: http://<this address>/debug/pprof/profile?seconds=10
`;

function secondsOf(text: string | undefined): number {
  if (text === undefined) return PROFILE_SECONDS_DEFAULT;
  const result = seconds.safeParse(text);
  if (result.success) return result.data;
  const message = `must be an integer from 1 to ${PROFILE_SECONDS_MAX}`;
  throw new AppError("invalid_argument", `seconds ${message}`, {
    fields: [{ path: "seconds", message }],
  });
}

function attachment(name: string): Record<string, string> {
  return { "content-disposition": `attachment; filename="${name}.pb.gz"` };
}
