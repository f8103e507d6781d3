import process from "node:process";
import { createLogger } from "../../telemetry/log.ts";
import { KafkaBus } from "../kafka.ts";
import { PostgresBus } from "../postgres.ts";
import { SESSION_MS } from "./session.ts";

// A process for tests: joins a group, prints "taken" for each message and never finishes it.
// The bus is a PostgreSQL URL or the address of a Kafka broker.
const [address = "", topic = "", group = ""] = process.argv.slice(2);
const log = createLogger({
  service: "stack",
  level: "warn",
  format: "json",
  write: (line) => void process.stderr.write(line),
});
const bus = address.startsWith("postgres")
  ? new PostgresBus({ url: address, log })
  : new KafkaBus({ brokers: [address], log, sessionTimeoutMs: SESSION_MS });
await bus.subscribe({
  topic: JSON.parse(topic),
  group,
  handle: () => {
    process.stdout.write("taken\n");
    return new Promise(() => {});
  },
});
