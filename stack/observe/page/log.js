import { ask, byId, element, linesTable, refill, traceLink } from "./elements.js";

let shown = "";

/** The lines that pass the form's filter, the latest first. */
export async function showLog() {
  const wanted = new URLSearchParams(new FormData(byId("log-filter"))).toString();
  const lines = await ask(`api/log?${wanted}`);
  const state = JSON.stringify(lines);
  if (state === shown) return;
  shown = state;
  const found = lines.reverse();
  refill(
    byId("log"),
    found.length > 0
      ? linesTable(found, linkToTrace)
      : element("p", { class: "empty" }, "No line passes the filter."),
  );
}

function linkToTrace({ traceId }) {
  return traceId ? traceLink(traceId, traceId.slice(0, 8)) : "";
}

/** From a trace to its lines among all others. */
export function showLogOf(event, traceId) {
  event.preventDefault();
  byId("log-filter").elements.trace_id.value = traceId;
  void showLog();
  byId("log-title").scrollIntoView();
}

export function listenForLog() {
  const form = byId("log-filter");
  form.addEventListener("input", () => void showLog());
  form.addEventListener("submit", (event) => event.preventDefault());
}
