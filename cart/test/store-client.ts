import { randomUUID } from "node:crypto";
import { RequestContext } from "../../shared/async/request-context.ts";
import type { Certificates } from "../../shared/pem-files.ts";
import { Metrics } from "../../shared/telemetry/metrics.ts";
import { NO_TRACING } from "../../shared/telemetry/tracing.ts";
import { readStoreUrl } from "../../shared/valkey/store-url.ts";
import { Valkey } from "../../shared/valkey/valkey.ts";
import { ValkeyCarts, type ValkeyCartsOptions } from "../repository/valkey.ts";
import { TTL_MS } from "./carts-under-test.ts";

const TRACEPARENT = `00-${"1".repeat(32)}-${"2".repeat(16)}-00`;

export function testContext(timeoutMs = 5_000): RequestContext {
  return new RequestContext({ traceparent: TRACEPARENT, timeoutMs });
}

/** The carts as a process of cart opens them, its client for attempts, and the errors of both. */
export function openTestStore(
  url: string,
  tls: Certificates = {},
  options: Partial<ValkeyCartsOptions> = {},
) {
  const errors: string[] = [];
  const connect = (name: string) =>
    new Valkey({
      ...{ address: readStoreUrl(url), tls, name },
      ...{ metrics: new Metrics("cart"), tracing: NO_TRACING },
      onError: ({ message }) => errors.push(message),
    });
  const [store, attempts] = [connect("carts"), connect("attempts")];
  return {
    carts: new ValkeyCarts({
      store,
      attempts,
      newIdempotencyKey: randomUUID,
      ttlMs: TTL_MS,
      ...options,
    }),
    store,
    attempts,
    errors,
    close() {
      store.close();
      attempts.close();
    },
  };
}

export type TestStore = ReturnType<typeof openTestStore>;
