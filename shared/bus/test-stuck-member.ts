import process from "node:process";
import { createLogger } from "../telemetry/log.ts";
import { createPostgresBus } from "./postgres.ts";

// A process for tests: joins a group, says "taken" for each message and never finishes one.
const [url = "", topic = "", group = ""] = process.argv.slice(2);
const log = createLogger({
  service: "stack",
  level: "warn",
  format: "json",
  write: (line) => void process.stderr.write(line),
});
await createPostgresBus({ url, log }).subscribe({
  topic: JSON.parse(topic),
  group,
  handle: () => {
    process.stdout.write("taken\n");
    return new Promise(() => {});
  },
});
