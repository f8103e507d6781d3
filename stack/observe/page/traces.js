import {
  ask,
  byId,
  chosenTrace,
  element,
  inMilliseconds,
  linesTable,
  refill,
  serviceName,
  timeOfDay,
} from "./elements.js";
import { showLogOf } from "./log.js";

/** Which spans of the shown trace are open, by their ids. */
const opened = new Set();
/** What is on the page, so that nothing moves below the pointer while nothing is new. */
const shown = { list: "", trace: "" };
let latest = [];

export function showTraces(traces) {
  latest = traces;
  const state = JSON.stringify([traces, chosenTrace()]);
  if (state === shown.list) return;
  shown.list = state;
  const none = element("li", { class: "empty" }, "No trace so far.");
  refill(byId("trace-list"), ...(traces.length > 0 ? traces.map(traceItem) : [none]));
}

/** As a query; among all traces that are kept, not only those that are listed. */
export function wantedTraces() {
  return new URLSearchParams({ find: byId("trace-filter").value.trim() });
}

function traceItem({ traceId, name, services, startMs, durationMs, spans, failed }) {
  return element(
    "li",
    {},
    element(
      "a",
      { href: `#trace=${traceId}`, "aria-current": traceId === chosenTrace() && "true" },
      element("strong", {}, name),
      element(
        "span",
        {},
        element("span", { class: "mono" }, timeOfDay(startMs)),
        element("span", {}, inMilliseconds(durationMs)),
        element("span", {}, howMany(spans)),
        ...services.map((service) => serviceName(service)),
        failed ? element("span", { class: "bad" }, "failed") : undefined,
      ),
    ),
  );
}

const howMany = (spans) => spans === 1 ? "1 span" : `${spans} spans`;

/** Draws the chosen trace, and what has become known of it since. */
export async function showChosenTrace() {
  const traceId = chosenTrace();
  if (!traceId) return;
  const trace = await ask(`api/traces/${traceId}`);
  // Another one may have been chosen meanwhile.
  if (traceId !== chosenTrace()) return;
  const state = JSON.stringify([traceId, trace]);
  if (state === shown.trace) return;
  shown.trace = state;
  if (trace) draw(traceId, trace);
  else {
    const words = `Nothing is known of trace ${traceId}: it is too old, or was not sampled.`;
    byId("trace").replaceChildren(element("p", { class: "empty" }, words));
  }
}

function draw(traceId, { rows, lines }) {
  const end = Math.max(...rows.map(({ startMs, durationMs }) => startMs + durationMs));
  const services = [...new Set(rows.map(({ service }) => service))];
  refill(
    byId("trace"),
    element("h3", {}, rows[0].name),
    element(
      "p",
      {},
      `${inMilliseconds(end)}, ${howMany(rows.length)} of `,
      ...services.flatMap((service) => [serviceName(service), " "]),
    ),
    element("p", { class: "mono" }, traceId),
    element("ol", { "aria-label": "Spans" }, ...rows.map((row) => spanItem(row, end))),
    element("h3", {}, "Its log lines"),
    lines.length > 0 ? linesTable(lines) : element("p", { class: "empty" }, "None so far."),
    element(
      "p",
      {},
      element("a", { href: "#log", onclick: (event) => showLogOf(event, traceId) }, "In the log"),
    ),
  );
}

function spanItem(row, end) {
  const { spanId, service, name, depth, startMs, durationMs, failed } = row;
  const bar = element("span", { class: failed ? "bar failed" : "bar" });
  const took = element("span", { class: "took" }, inMilliseconds(durationMs));
  // Set one by one, which the page's policy allows; a style attribute it does not.
  bar.style.left = `${startMs / end * 100}%`;
  bar.style.width = `${durationMs / end * 100}%`;
  const right = (startMs + durationMs) / end * 100;
  if (right < 80) took.style.left = `calc(${right}% + 0.4rem)`;
  else took.style.right = `calc(${100 - startMs / end * 100}% + 0.4rem)`;
  const label = element(
    "span",
    { class: "name" },
    serviceName(service),
    ` ${name}`,
    failed ? element("span", { class: "bad" }, " failed") : undefined,
  );
  label.style.paddingLeft = `${depth * 0.875}rem`;
  const details = detailsOf(row);
  details.hidden = !opened.has(spanId);
  const button = element(
    "button",
    {
      class: `row ${service}`,
      type: "button",
      "data-key": spanId,
      "aria-expanded": String(opened.has(spanId)),
      onclick() {
        details.hidden = !details.hidden;
        button.setAttribute("aria-expanded", String(!details.hidden));
        if (details.hidden) opened.delete(spanId);
        else opened.add(spanId);
      },
    },
    label,
    element("span", { class: `time ${service}` }, bar, took),
  );
  return element("li", {}, button, details);
}

function detailsOf({ spanId, kind, startMs, attributes, events, links }) {
  const facts = [
    ["span", spanId],
    ["kind", kind],
    ["began after", inMilliseconds(startMs)],
    ...Object.entries(attributes),
    ...links.map((id) => ["links to span", id]),
    ...events.map(({ name, attributes: of }) => [`event ${name}`, JSON.stringify(of)]),
  ];
  return element(
    "dl",
    { class: "mono" },
    ...facts.flatMap(([name, value]) => [
      element("dt", {}, name),
      element("dd", {}, String(value)),
    ]),
  );
}

export function listenForTraces(refresh) {
  byId("trace-filter").addEventListener("input", () => void refresh());
  addEventListener("hashchange", () => {
    showTraces(latest);
    void showChosenTrace();
    if (chosenTrace()) byId("traces-title").scrollIntoView({ block: "nearest" });
  });
}
