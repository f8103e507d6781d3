import type { HostPort } from "../../shared/config.ts";
import { createHttpApp, mount } from "../../shared/http/app.ts";
import { type RequestHandler, requestHead, serve } from "../../shared/http/listen.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { Charts } from "./charts.ts";
import { LogLines } from "./log-lines.ts";
import { apiRoutes, pageRoutes } from "./routes.ts";
import { type ScrapedUrls, Scraping } from "./scraping.ts";
import { Traces } from "./traces.ts";

/** A browser keeps connections open, for which a stop does not wait. */
const DRAIN_MAX_MS = 500;

/** One page with the traces, metrics and logs of a running stack; nothing is stored. */
export interface Observer {
  /** The URL of the page. */
  readonly url: string;
  /** Settings for the services, so that they send their spans here. */
  readonly settings: { readonly OTEL_EXPORTER_OTLP_ENDPOINT: string };
  /** Receives a log line of a service. */
  addLine(service: string, line: string): void;
  /** Starts to scrape the services. */
  watch(urls: ScrapedUrls): void;
  close(): Promise<void>;
}

/** Starts the page's listener. Call it before the services start, so that no span is lost. */
export async function startObserver(address: HostPort): Promise<Observer> {
  const opened = new CloseStack();
  const traces = new Traces();
  const lines = new LogLines();
  const charts = new Charts();
  const scraping = new Scraping(charts);
  const app = createHttpApp();
  mount(app, [...pageRoutes(), ...apiRoutes({ traces, lines, charts, scraping })]);
  const http = await serve(forLoopback(app.fetch), address);
  opened.push("the page", () => http.close(DRAIN_MAX_MS));
  opened.push("the scrapes", () => scraping.close());
  return {
    url: http.url,
    settings: { OTEL_EXPORTER_OTLP_ENDPOINT: http.url },
    addLine: (service, line) => lines.add(service, line),
    watch: (urls) => scraping.start(urls),
    close: () => opened.close(),
  };
}

const LOOPBACK_NAMES = new Set(["127.0.0.1", "localhost", "[::1]"]);

/**
 * Answers requests only under a loopback name. Otherwise a page with a host name that resolves to
 * 127.0.0.1 could read the answers (DNS rebinding).
 */
export function forLoopback(fetch: RequestHandler): RequestHandler {
  return (request, env) =>
    // The app refuses a malformed message, as every listener does.
    requestHead(env)?.fault || LOOPBACK_NAMES.has(hostOf(request))
      ? fetch(request, env)
      : new Response("The host must be 127.0.0.1 or localhost\n", { status: 421 });
}

/** The Host without its port, in lower case; IPv6 addresses keep their brackets. */
function hostOf({ headers }: Request): string {
  return (headers.get("host") ?? "").replace(/:[0-9]*$/, "").toLowerCase();
}
