import {
  byId,
  chosenTrace,
  fill,
  html,
  inMilliseconds,
  linesTable,
  load,
  serviceName,
  timeOfDay,
} from "./elements.js";

/** The open spans of the shown trace, by id. */
const opened = new Set();
let latest = [];

export function showTraces(traces) {
  latest = traces;
  const none = html`<li class="empty">No traces yet.</li>`;
  fill(byId("trace-list"), html`${traces.length > 0 ? traces.map(traceItem) : none}`);
}

/** The filter as a query; it searches all stored traces, not only the listed ones. */
export function wantedTraces() {
  return new URLSearchParams({ find: byId("trace-filter").value.trim() });
}

const failedMark = (failed) => failed && html`<span class="bad"> failed</span>`;

function traceItem({ traceId, name, services, startMs, durationMs, spans, failed }) {
  return html`<li><a href="#trace=${traceId}" aria-current="${String(traceId === chosenTrace())}">
<strong>${name}</strong>
<span>
<span class="mono">${timeOfDay(startMs)}</span>
<span>${inMilliseconds(durationMs)}</span>
<span>${howMany(spans)}</span>
${services.map(serviceName)}${failedMark(failed)}
</span>
</a></li>`;
}

const howMany = (spans) => spans === 1 ? "1 span" : `${spans} spans`;

/** Draws the chosen trace with the spans received so far. */
export async function showChosenTrace() {
  const traceId = chosenTrace();
  if (!traceId) return;
  const trace = await load(`api/traces/${traceId}`);
  // Another one may have been chosen meanwhile.
  if (traceId !== chosenTrace()) return;
  const unknown = `Trace ${traceId} is unknown: it is too old, or was not sampled.`;
  fill(byId("trace"), trace ? drawn(traceId, trace) : html`<p class="empty">${unknown}</p>`);
}

function drawn(traceId, { rows, lines }) {
  const end = Math.max(...rows.map(({ startMs, durationMs }) => startMs + durationMs));
  const services = [...new Set(rows.map(({ service }) => service))];
  return html`<h3>${rows[0].name}</h3>
<p>${inMilliseconds(end)}, ${howMany(rows.length)} of ${
    services.map((name) => [" ", serviceName(name)])
  }</p>
<p class="mono">${traceId}</p>
<ol aria-label="Spans">${rows.map((row) => spanItem(row, end))}</ol>
<h3>Its log lines</h3>
${lines.length > 0 ? linesTable(lines) : html`<p class="empty">None yet.</p>`}
<p><a href="#log" data-log-of="${traceId}">In the log</a></p>`;
}

function spanItem(row, end) {
  const { spanId, service, name, depth, startMs, durationMs, failed } = row;
  const isOpen = opened.has(spanId);
  const right = (startMs + durationMs) / end * 100;
  const bar = `left: ${startMs / end * 100}%; width: ${durationMs / end * 100}%`;
  const took = right < 80
    ? `left: calc(${right}% + 0.4rem)`
    : `right: calc(${100 - startMs / end * 100}% + 0.4rem)`;
  return html`
    <li>
      <button
        class="row ${service}" type="button" data-key="${spanId}" aria-expanded="${String(isOpen)}">
        <span class="name"
          data-style="padding-left: ${depth * 0.875}rem">${serviceName(
            service,
          )} ${name}${failedMark(failed)}</span>
        <span class="time ${service}">
          <span class="bar${failed && " failed"}" data-style="${bar}"></span>
          <span class="took" data-style="${took}">${inMilliseconds(durationMs)}</span>
        </span>
      </button>
      <dl class="mono" ${!isOpen && html`
        hidden
      `}>${factsOf(row).map(([fact, value]) =>
        html`
          <dt>${fact}</dt>
          <dd>${value}</dd>
        `
      )}</dl>
    </li>
  `;
}

function factsOf({ spanId, kind, startMs, attributes, events, links }) {
  return [
    ["span", spanId],
    ["kind", kind],
    ["began after", inMilliseconds(startMs)],
    ...Object.entries(attributes).map(([name, value]) => [name, String(value)]),
    ...links.map((id) => ["links to span", id]),
    ...events.map(({ name, attributes: of }) => [`event ${name}`, JSON.stringify(of)]),
  ];
}

/** @param showLogOf called with the id of a trace whose log lines are requested */
export function listenForTraces(refresh, showLogOf) {
  byId("trace-filter").addEventListener("input", () => void refresh());
  byId("trace").addEventListener("click", (event) => {
    const link = event.target.closest("[data-log-of]");
    if (link) {
      event.preventDefault();
      showLogOf(link.dataset.logOf);
    }
    const button = event.target.closest("button");
    if (button) toggle(button);
  });
  addEventListener("hashchange", () => {
    showTraces(latest);
    void showChosenTrace();
    if (chosenTrace()) byId("traces-title").scrollIntoView({ block: "nearest" });
  });
}

function toggle(button) {
  const details = button.nextElementSibling;
  details.hidden = !details.hidden;
  button.setAttribute("aria-expanded", String(!details.hidden));
  if (details.hidden) opened.delete(button.dataset.key);
  else opened.add(button.dataset.key);
}
