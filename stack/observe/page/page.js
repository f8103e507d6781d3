// The page polls every second while it is visible.

import { showCharts } from "./charts.js";
import { ask, byId, element, serviceName } from "./elements.js";
import { listenForLog, showLog } from "./log.js";
import { listenForTraces, showChosenTrace, showTraces, wantedTraces } from "./traces.js";

const INTERVAL_MS = 1_000;

async function refresh() {
  const { services, replication, traces, charts } = await ask(`api/overview?${wantedTraces()}`);
  byId("services").replaceChildren(...services.map(service), ...replicationState(replication));
  showCharts(charts);
  showTraces(traces);
  await Promise.all([showChosenTrace(), showLog()]);
}

function service({ name, answers }) {
  const state = answers
    ? element("span", { class: "quiet" }, " answers")
    : element("span", { class: "bad" }, " does not answer");
  return element("li", {}, serviceName(name), state);
}

/** Whether writes wait for the replica; anything but synchronous is a danger. */
function replicationState(state) {
  if (!state) return [];
  const kind = state === "synchronous" ? "quiet" : "bad";
  return [element("li", {}, "replication ", element("span", { class: kind }, state))];
}

async function again() {
  try {
    if (!document.hidden) await refresh();
    byId("away").textContent = "";
  } catch {
    byId("away").textContent = "The launcher does not answer: what is shown is old.";
  }
  setTimeout(again, INTERVAL_MS);
}

listenForTraces(refresh);
listenForLog();
void again();
