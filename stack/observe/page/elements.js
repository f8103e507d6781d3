// Markup and words that every part of the page uses.

class Markup {
  constructor(text) {
    this.text = text;
  }
}

/**
 * Markup with values in it; lists are joined, and false or undefined is left out. Values are always
 * escaped: names of spans and log lines contain client input.
 */
export function html(parts, ...values) {
  return new Markup(String.raw({ raw: parts }, ...values.map(escaped)));
}

function escaped(value) {
  if (value instanceof Markup) return value.text;
  if (Array.isArray(value)) return value.map(escaped).join("");
  if (value === undefined || value === false) return "";
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

export const byId = (id) => document.getElementById(id);

/** What each element was last filled with, so that an unchanged element is not redrawn. */
const filled = new WeakMap();

/** Fills an element and restores the focus, found by its `data-key` or its link. */
export function fill(parent, { text }) {
  if (filled.get(parent) === text) return;
  filled.set(parent, text);
  const { activeElement } = document;
  const name = activeElement?.dataset.key ? "data-key" : "href";
  const key = parent.contains(activeElement) ? activeElement.getAttribute(name) : null;
  parent.innerHTML = text;
  // The page's policy forbids style attributes, but not this.
  for (const styled of parent.querySelectorAll("[data-style]")) {
    styled.style.cssText = styled.dataset.style;
  }
  if (key) parent.querySelector(`[${name}="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

export async function load(path) {
  const response = await fetch(path);
  if (response.status === 404) return undefined;
  if (!response.ok) throw new Error(`${path}: ${response.status}`);
  return await response.json();
}

export function inMilliseconds(ms) {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms.toFixed(ms < 10 ? 2 : 1)} ms`;
}

export const timeOfDay = (time) => new Date(time).toISOString().slice(11, 23);

export const serviceName = (name) => html`<span class="service ${name}">${name}</span>`;

/** The address keeps the chosen trace, for sharing and for the back button. */
export const chosenTrace = () => /^#trace=([0-9a-f]{32})$/.exec(location.hash)?.[1];

/** A table of log lines, each with a link to its trace if `withTraces`. */
export function linesTable(lines, withTraces = false) {
  const head = ["Time", "Service", "Level", "Message", ...(withTraces ? ["Trace"] : [])];
  const row = ({ timestamp, service, level, message, fields, traceId }) =>
    html`<tr>
<td class="keep mono">${timeOfDay(timestamp)}</td>
<td class="keep">${serviceName(service)}</td>
<td class="keep ${level}">${level}</td>
<td>${message} <span class="fields mono">${fields}</span></td>
${withTraces && html`<td class="keep mono">${traceId && linkTo(traceId)}</td>`}
</tr>`;
  return html`
    <table class="lines">
      <thead>
        <tr>${head.map((text) => html`<th scope="col">${text}</th>`)}</tr>
      </thead>
      <tbody>${lines.map(row)}</tbody>
    </table>
  `;
}

const linkTo = (traceId) =>
  html`<a href="#trace=${traceId}" title="Show the trace">${traceId.slice(0, 8)}</a>`;
