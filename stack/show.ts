import { type LogRecord, prettyLine } from "../shared/telemetry/log-record.ts";
import { redactUrls } from "../shared/redact.ts";
import { parseJson } from "../shared/json.ts";
import type { StackFacts } from "./stack-file.ts";

/** Renders a service's log line for people; other lines stay unchanged. */
export function renderLine(line: string): string {
  if (!line.startsWith("{")) return line;
  try {
    return prettyLine(parseJson(line) as LogRecord);
  } catch {
    return line;
  }
}

/** The text that `npm start` ends with. It shows no password. */
export function readyBlock(
  { urls, databases, kafkaBrokers, logDirectory }: StackFacts,
  startedInMs: number,
  observeUrl?: string,
): string {
  const { cart, loms } = urls;
  const json = "-H 'content-type: application/json'";
  return `
Ready in ${(startedInMs / 1000).toFixed(1)} s.

  cart       ${cart}  (try it in a browser: ${cart}/swagger-ui)
  loms       ${loms ? `${loms}  (${loms}/swagger-ui)` : "elsewhere"}
             gRPC ${urls.lomsGrpc}${
    urls.lomsAdmin ? `, stock ${urls.lomsAdmin}  (${urls.lomsAdmin}/swagger-ui)` : ""
  }
  notifier   ${urls.notifier}/healthz
  products   ${redactUrls(urls.products)}
  PostgreSQL ${[databases.loms, ...databases.lomsReplicas].map(hostOf).join(", replica ")}
  events     over ${kafkaBrokers ? `Apache Kafka ${kafkaBrokers}` : "the embedded bus"}
  logs       ${logDirectory}${
    observeUrl ? `\n  observe    ${observeUrl}  (traces, metrics and logs)` : ""
  }

Try first, in another terminal:

  curl -X POST ${cart}/user/1/cart/773297411 ${json} -d '{"count": 2}'
  curl ${cart}/user/1/cart/list
  curl -X POST ${cart}/user/1/cart/checkout

or buy at a prompt: npm run shop. To follow one order from cart to notification: npm run demo.
Ctrl-C stops everything; the data stays.
`;
}

function hostOf(url: string): string {
  return new URL(url).host;
}
