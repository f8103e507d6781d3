import { byId, fill, html } from "./elements.js";

/** Of the drawing's own coordinates; the page stretches it. */
const WIDTH = 300;
const HEIGHT = 80;

export function showCharts(charts) {
  fill(byId("charts"), html`${charts.map(figure)}`);
}

function figure({ title, unit, lines }) {
  const points = lines.flatMap((line) => line.points);
  const values = points.map(([, value]) => value).filter((value) => value !== null);
  const most = Math.max(...values, 0);
  const times = points.map(([at]) => at);
  const scale = { most: most || 1, first: Math.min(...times), last: Math.max(...times) };
  // Two lines of one service differ by their strokes.
  const kinds = lines.map(({ service }, at) => {
    const isSecond = lines.findIndex((other) => other.service === service) !== at;
    return `${service}${isSecond ? " second" : ""}`;
  });
  const drawn = lines.map(({ points }, at) =>
    html`<path class="${kinds[at]}" d="${path(points, scale)}"></path>`
  );
  const now = lines.map(({ label, points }, at) =>
    html`<li class="${kinds[at]}">${label} <b>${quantity(points.at(-1)?.[1], unit)}</b></li>`
  );
  return html`
    <figure>
      <figcaption>${title}<span>up to ${quantity(most, unit)}</span></figcaption>
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none"
        aria-hidden="true">${drawn}</svg>
      <ul>${now}</ul>
    </figure>
  `;
}

/** Starts a new line after a gap. */
function path(points, { most, first, last }) {
  let isPenDown = false;
  return points.map(([at, value]) => {
    const wasPenDown = isPenDown;
    isPenDown = value !== null;
    if (value === null) return "";
    const x = last > first ? (at - first) / (last - first) * WIDTH : 0;
    const y = HEIGHT - 2 - value / most * (HEIGHT - 4);
    // A line to where it begins, so that a lone point shows as a dot.
    return `${wasPenDown ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}${wasPenDown ? "" : "h0"}`;
  }).join("");
}

function quantity(value, unit) {
  if (value === undefined || value === null) return "–";
  if (unit === "B") return `${(value / 1e6).toFixed(0)} MB`;
  if (unit === "s") return `${(value * 1000).toFixed(2)} ms`;
  if (unit === "/s") return `${value.toFixed(1)}/s`;
  return Number.isInteger(value) ? String(value) : value.toFixed(2);
}
