// Elements and words that every part of the page uses.

/**
 * An element with its attributes and what is in it. Text is always text, never markup: names of
 * spans and log lines hold what clients have sent.
 */
export function element(tag, attributes = {}, ...children) {
  const made = tag === "svg" || tag === "path" || tag === "title"
    ? document.createElementNS("http://www.w3.org/2000/svg", tag)
    : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : String(value));
  }
  made.append(...children.filter((child) => child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

/** Fills an element anew; what had the focus has it again, found by its `data-key` or its link. */
export function refill(parent, ...children) {
  const { activeElement } = document;
  const name = activeElement?.dataset.key ? "data-key" : "href";
  const key = parent.contains(activeElement) ? activeElement.getAttribute(name) : null;
  parent.replaceChildren(...children);
  if (key) parent.querySelector(`[${name}="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

export async function ask(path) {
  const response = await fetch(path);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.json();
}

export function inMilliseconds(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

export function timeOfDay(time) {
  return new Date(time).toISOString().slice(11, 23);
}

export function serviceName(service, text = service) {
  return element("span", { class: `service ${service}` }, text);
}

/** Shows the trace; the address keeps it, so that it can be sent to somebody and gone back from. */
export function traceLink(traceId, text) {
  return element("a", { href: `#trace=${traceId}`, title: "Show the trace" }, text);
}

export function chosenTrace() {
  return /^#trace=([0-9a-f]{32})$/.exec(location.hash)?.[1];
}

/** A table of log lines; `link` makes what leads from a line to somewhere. */
export function linesTable(lines, link) {
  const head = ["Time", "Service", "Level", "Message", ...(link ? ["Trace"] : [])];
  const rows = lines.map((line) =>
    element(
      "tr",
      {},
      element("td", { class: "keep mono" }, timeOfDay(line.timestamp)),
      element("td", { class: "keep" }, serviceName(line.service)),
      element("td", { class: `keep ${line.level}` }, line.level),
      element(
        "td",
        {},
        `${line.message} `,
        element("span", { class: "fields mono" }, line.fields),
      ),
      link && element("td", { class: "keep mono" }, link(line)),
    )
  );
  return element(
    "table",
    { class: "lines" },
    element(
      "thead",
      {},
      element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text))),
    ),
    element("tbody", {}, ...rows),
  );
}
