import { byId, element } from "./elements.js";

/** Of the drawing's own coordinates; the page stretches it. */
const WIDTH = 300;
const HEIGHT = 80;

export function showCharts(charts) {
  byId("charts").replaceChildren(...charts.map(figure));
}

function figure({ title, unit, lines }) {
  const points = lines.flatMap((line) => line.points);
  const values = points.map(([, value]) => value).filter((value) => value !== null);
  const most = Math.max(...values, 0);
  const times = points.map(([at]) => at);
  const scale = {
    most: most || 1,
    first: Math.min(...times),
    last: Math.max(...times),
  };
  // Two lines of one service differ by their strokes.
  const kinds = lines.map((line, at) => {
    const isSecond = lines.findIndex(({ service }) => service === line.service) !== at;
    return `${line.service}${isSecond ? " second" : ""}`;
  });
  const drawn = lines.map((line, at) =>
    element("path", { class: kinds[at], d: path(line.points, scale) })
  );
  const now = lines.map((line, at) => {
    const value = line.points.at(-1)?.[1];
    return element(
      "li",
      { class: kinds[at] },
      `${line.label} `,
      element("b", {}, quantity(value, unit)),
    );
  });
  return element(
    "figure",
    {},
    element("figcaption", {}, title, element("span", {}, `up to ${quantity(most, unit)}`)),
    element(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none", "aria-hidden": "true" },
      ...drawn,
    ),
    element("ul", {}, ...now),
  );
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
  switch (unit) {
    case "B":
      return `${(value / 1e6).toFixed(0)} MB`;
    case "s":
      return `${(value * 1000).toFixed(2)} ms`;
    case "/s":
      return `${value.toFixed(1)}/s`;
    default:
      return Number.isInteger(value) ? String(value) : value.toFixed(2);
  }
}
