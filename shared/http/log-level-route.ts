import { z } from "zod";
import { LOG_LEVELS } from "../config.ts";
import { AppError } from "../errors.ts";
import type { ProcessLog } from "../telemetry/log.ts";
import { answerJson } from "./answer.ts";
import type { MountedRoute } from "./app.ts";

const PATH = "/debug/log-level";
const level = z.enum(LOG_LEVELS);

/** The log's level, for whoever runs the process: asked for, or set with `?level=debug`. */
export function logLevelRoutes(log: ProcessLog): MountedRoute[] {
  return [
    { method: "get", path: PATH, run: (c) => answerJson(c, 200, { level: log.level }) },
    {
      method: "put",
      path: PATH,
      run(c) {
        const result = level.safeParse(c.req.query("level"));
        if (!result.success) throw unknownLevel();
        const before = log.level;
        log.level = result.data;
        if (before !== log.level) log.warn("the log's level changed", { before, now: log.level });
        return answerJson(c, 200, { level: log.level });
      },
    },
  ];
}

function unknownLevel(): AppError {
  const message = `must be one of ${LOG_LEVELS.join(", ")}`;
  return new AppError("invalid_argument", `level ${message}`, {
    fields: [{ path: "level", message }],
  });
}
