// The page polls every second while it is visible.

import { showCharts } from "./charts.js";
import { byId, fill, html, linesTable, load, serviceName } from "./elements.js";
import { listenForTraces, showChosenTrace, showTraces, wantedTraces } from "./traces.js";

const INTERVAL_MS = 1_000;

async function refresh() {
  const { services, replication, traces, charts } = await load(`api/overview?${wantedTraces()}`);
  fill(byId("services"), html`${services.map(service)}${replicationState(replication)}`);
  showCharts(charts);
  showTraces(traces);
  await Promise.all([showChosenTrace(), showLog()]);
}

function service({ name, answers }) {
  const state = answers
    ? html`<span class="quiet"> answers</span>`
    : html`<span class="bad"> does not answer</span>`;
  return html`<li>${serviceName(name)}${state}</li>`;
}

/** Whether writes wait for the replica; any other state than synchronous is marked as bad. */
function replicationState(state) {
  const kind = state === "synchronous" ? "quiet" : "bad";
  return state && html`<li>replication <span class="${kind}">${state}</span></li>`;
}

/** Shows the lines that pass the form's filter, the latest first. */
async function showLog() {
  const lines = await load(`api/log?${new URLSearchParams(new FormData(byId("log-filter")))}`);
  const none = html`<p class="empty">No line matches the filter.</p>`;
  fill(byId("log"), lines.length > 0 ? linesTable(lines.reverse(), true) : none);
}

function showLogOf(traceId) {
  byId("log-filter").elements.trace_id.value = traceId;
  void showLog();
  byId("log-title").scrollIntoView();
}

async function again() {
  try {
    if (!document.hidden) await refresh();
    byId("away").textContent = "";
  } catch {
    byId("away").textContent = "The launcher does not answer: the page shows old values.";
  }
  setTimeout(again, INTERVAL_MS);
}

listenForTraces(refresh, showLogOf);
byId("log-filter").addEventListener("input", () => void showLog());
byId("log-filter").addEventListener("submit", (event) => event.preventDefault());
void again();
