import { readFileSync } from "node:fs";
import { LOG_LEVELS } from "../../shared/config.ts";
import { AppError } from "../../shared/errors.ts";
import { answerJson, answerText } from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { HttpError } from "../../shared/http/problem.ts";
import { readBody } from "../../shared/http/read-body.ts";
import { readSpans } from "../otlp/read-spans.ts";
import type { Charts } from "./charts.ts";
import type { LogLines } from "./log-lines.ts";
import type { Scraping } from "./scraping.ts";
import type { Traces } from "./traces.ts";

/** A batch of a service is 512 spans, some 300 KB. */
const OTLP_MAX_BYTES = 4 << 20;
const OTLP_TYPE = "application/x-protobuf";
/** More than a person reads; the page polls every second. */
const TRACES_SHOWN_MAX = 100;
const LINES_SHOWN_MAX = 200;
const TRACE_PATH = "/api/traces/";

export interface Observed {
  readonly traces: Traces;
  readonly lines: LogLines;
  readonly charts: Charts;
  readonly scraping: Scraping;
}

/** Receives OTLP/HTTP and serves the page's API. */
export function apiRoutes({ traces, lines, charts, scraping }: Observed): MountedRoute[] {
  return [
    {
      method: "post",
      path: "/v1/traces",
      async run(c) {
        if (c.req.raw.headers.get("content-type") !== OTLP_TYPE) {
          throw new HttpError(415, `Spans must be ${OTLP_TYPE}`);
        }
        traces.add(spansOf(new Uint8Array(await readBody(c, OTLP_MAX_BYTES))));
        // An empty ExportTraceServiceResponse: everything was accepted.
        return answerText(c, 200, new Uint8Array(0), { "content-type": OTLP_TYPE });
      },
    },
    {
      method: "get",
      path: "/api/overview",
      run: (c) =>
        answerJson(c, 200, {
          services: scraping.services(),
          replication: charts.replicationState(),
          traces: traces.latest(TRACES_SHOWN_MAX, c.req.query("find")),
          charts: charts.drawn(),
        }),
    },
    {
      method: "get",
      path: `${TRACE_PATH}{trace_id}`,
      run(c) {
        const traceId = c.req.path.slice(TRACE_PATH.length);
        const rows = traces.rows(traceId);
        if (!rows) throw new AppError("not_found", `There is no trace ${traceId}`);
        return answerJson(c, 200, { rows, lines: lines.latest(LINES_SHOWN_MAX, { traceId }) });
      },
    },
    {
      method: "get",
      path: "/api/log",
      run(c) {
        const { service, level, trace_id: traceId, text } = c.req.query();
        const least = LOG_LEVELS.find((each) => each === level);
        const filter = { service, level: least, traceId, text };
        return answerJson(c, 200, lines.latest(LINES_SHOWN_MAX, filter));
      },
    },
  ];
}

function spansOf(bytes: Uint8Array) {
  try {
    return readSpans(bytes);
  } catch (cause) {
    throw new AppError("invalid_argument", "The body is not an ExportTraceServiceRequest", {
      cause,
    });
  }
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
};
/** The page, then the files that it loads. */
const FILES = ["index.html", "page.css", "page.js", "elements.js", "charts.js", "traces.js"];

/** Only the page's own files and API; the empty icon is a `data:` URL. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
  "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The page at `/`, and its files. */
export function pageRoutes(): MountedRoute[] {
  return FILES.map((name) => {
    const text = readFileSync(new URL(`page/${name}`, import.meta.url), "utf8");
    const headers = {
      "content-type": TYPES[name.split(".")[1] ?? ""] ?? "",
      "content-security-policy": CONTENT_SECURITY_POLICY,
      "cache-control": "no-store",
    };
    return {
      method: "get",
      path: name === "index.html" ? "/" : `/${name}`,
      run: (c) => answerText(c, 200, text, headers),
    };
  });
}
