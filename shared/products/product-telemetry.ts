import type { ProductMethod } from "../../proto/product-service.ts";
import type { Clock } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import { SERVER_LABELS, serverAttributes, serverLabels } from "../telemetry/called-server.ts";
import { DURATION_BUCKETS, histogramFamily, type Metrics } from "../telemetry/metrics.ts";
import {
  childTraceparent,
  NO_TRACING,
  observed,
  type SpanEvent,
  type Tracing,
} from "../telemetry/tracing.ts";

export const HTTP_CLIENT_REQUEST_DURATION_SECONDS = histogramFamily({
  name: "http_client_request_duration_seconds",
  help:
    "Requests to the product service, each attempt separately, without the wait for the rate limit",
  labels: [
    "http_request_method",
    "http_response_status_code",
    "error_type",
    "marketplace_product_method",
    ...SERVER_LABELS,
  ],
  buckets: DURATION_BUCKETS,
});

export const PRODUCT_LIMITER_WAIT_SECONDS = histogramFamily({
  name: "product_limiter_wait_seconds",
  help: "Waits for the rate limit of the product service, by outcome",
  labels: ["outcome"],
  buckets: DURATION_BUCKETS,
});

/** Other statuses count by class, such as `4xx`, so that a server cannot create labels. */
const KNOWN_STATUSES: ReadonlySet<number> = new Set(
  [200, 400, 401, 404, 420, 429, 500, 502, 503, 504],
);
/** A client counts every status from here on as an error. */
const ERROR_STATUS_MIN = 400;
/** The `error.type` of an attempt that failed in the network. */
const NO_ANSWER = "no_answer";
const STATUS = "http.response.status_code";
const DEFAULT_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export interface ProductTelemetryOptions {
  /** Of the product service. */
  readonly url: string;
  readonly clock: Clock;
  readonly metrics?: Metrics | undefined;
  readonly tracing?: Tracing | undefined;
}

/** A call with its trace context and its finished attempts. */
export interface ObservedCall {
  readonly method: ProductMethod;
  readonly traceparent: string;
  readonly tries: SpanEvent[];
}

/** Observes the calls of a product client: a call is a span, its attempts are events. */
export class ProductTelemetry {
  readonly #clock: Clock;
  readonly #tracing: Tracing;
  readonly #at: ReturnType<typeof productServer>;
  readonly #durations;
  readonly #waits;

  constructor({ url, clock, metrics, tracing = NO_TRACING }: ProductTelemetryOptions) {
    this.#clock = clock;
    this.#tracing = tracing;
    this.#at = productServer(url);
    this.#durations = metrics?.histogram(HTTP_CLIENT_REQUEST_DURATION_SECONDS);
    this.#waits = metrics?.histogram(PRODUCT_LIMITER_WAIT_SECONDS);
  }

  /** A whole call, including its wait for the rate limit. */
  call<Answer>(
    method: ProductMethod,
    parent: string,
    work: (call: ObservedCall) => Promise<Answer>,
  ): Promise<Answer> {
    const [tracing, { url, server }] = [this.#tracing, this.#at];
    const isSampled = tracing.isSampled(parent);
    const traceparent = isSampled ? childTraceparent(parent) : parent;
    const tries: SpanEvent[] = [];
    const lastStatus = () => tries.at(-1)?.attributes[STATUS];
    const describe = (code: string | undefined) => {
      const status = lastStatus();
      const isError = Number(status) >= ERROR_STATUS_MIN;
      return {
        attributes: {
          ...{ "http.request.method": "POST", ...serverAttributes(server) },
          ...{ "url.full": `${url}/${method}`, "url.template": `/${method}` },
          "http.request.resend_count": Math.max(0, tries.length - 1),
          ...(status !== undefined && { [STATUS]: status }),
        },
        events: tries,
        error: code ?? (isError ? String(status) : undefined),
      };
    };
    const span = { tracing, traceparent, parent, name: `POST /${method}`, describe };
    return observed(() => work({ method, traceparent, tries }), {
      clock: this.#clock,
      codeOf: (thrown) =>
        thrown instanceof AppError ? thrown.code : String(lastStatus() ?? NO_ANSWER),
      span: isSampled ? { ...span, kind: "client" } : undefined,
    });
  }

  /** A wait for a permit, refused if the permit would come after the deadline. */
  permit<Permit>(signal: AbortSignal, work: () => Promise<Permit>): Promise<Permit> {
    const measure = (code: string | undefined, seconds: number) => {
      const isRefused = code === "unavailable" && !signal.aborted;
      const outcome = isRefused ? "refused" : code ? "given_up" : "granted";
      this.#waits?.observe({ outcome }, seconds);
    };
    return observed(work, { clock: this.#clock, measure });
  }

  /** One attempt. */
  try<Answer extends { readonly status: number }>(
    { method, tries }: ObservedCall,
    work: () => Promise<Answer>,
  ): Promise<Answer> {
    const clock = this.#clock;
    let status: number | undefined;
    const measure = (code: string | undefined, seconds: number) => {
      this.#durations?.observe({
        ...{ http_request_method: "POST", marketplace_product_method: method },
        ...serverLabels(this.#at.server),
        ...(status === undefined ? { error_type: code ?? NO_ANSWER } : statusLabels(status)),
      }, seconds);
      const durationMs = seconds * 1000;
      const ending = status === undefined ? { "error.type": NO_ANSWER } : { [STATUS]: status };
      tries.push({
        name: tries.length === 0 ? "try" : "retry",
        at: clock.now() - durationMs,
        attributes: {
          ...{ "http.request.resend_count": tries.length, ...ending },
          "marketplace.duration_ms": durationMs,
        },
      });
    };
    const answered = async () => {
      const answer = await work();
      status = answer.status;
      return answer;
    };
    const codeOf = (thrown: unknown) => thrown instanceof AppError ? thrown.code : NO_ANSWER;
    return observed(answered, { clock, codeOf, measure });
  }
}

function statusLabels(status: number) {
  const code = KNOWN_STATUSES.has(status) ? String(status) : `${Math.floor(status / 100)}xx`;
  const isError = status >= ERROR_STATUS_MIN;
  return { http_response_status_code: code, ...(isError && { error_type: code }) };
}

/** The name of the product service in telemetry: the URL without credentials and trailing slash. */
export function productServer(text: string) {
  const { protocol, host, hostname, port, pathname } = new URL(text);
  return {
    server: {
      service: "products",
      address: hostname.replace(/^\[(.*)\]$/, "$1"),
      port: port === "" ? DEFAULT_PORT[protocol] ?? 0 : Number(port),
    },
    url: `${protocol}//${host}${pathname.replace(/\/$/, "")}`,
  };
}
