/** What machines ask for every few seconds: a log of it would hide the rest. */
export const PROBE_ROUTES: ReadonlySet<string> = new Set(["/healthz", "/readyz", "/metrics"]);
