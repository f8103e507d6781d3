import process from "node:process";
import { createDirectFetch } from "../../shared/http-client/direct-fetch.ts";

// The health check of a container, whose image has no curl: exits with 0 if the given URL answers
// with 200, `node deploy/image/healthy.ts http://127.0.0.1:8082/readyz`.

/** Below the timeout of the health checks in docker-compose.yml, so that its error is shown. */
const ANSWER_MAX_MS = 2_000;

const [url = ""] = process.argv.slice(2);

try {
  const { status } = await createDirectFetch()(url, { signal: AbortSignal.timeout(ANSWER_MAX_MS) });
  process.stdout.write(`${url} answers ${status}\n`);
  process.exitCode = status === 200 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url} does not answer: ${String(error)}\n`);
  process.exitCode = 1;
}
