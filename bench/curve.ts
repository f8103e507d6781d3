import type { Curve } from "./lab.ts";

const WIDTH = 640;
const HEIGHT = 320;
const MARGIN = { left: 70, right: 20, top: 40, bottom: 50 };
const TICKS_MAX = 10;
const COLOURS = ["#1b6ac9", "#c9501b", "#2b8a3e", "#7a3fb5", "#8a6d00"];

/** An SVG of the lines of a curve; the y axis starts at zero. */
export function svgOf({ name, xLabel, yLabel, isLogarithmic, lines }: Curve): string {
  const points = lines.flatMap((line) => line.points);
  const scaled = (x: number) => isLogarithmic ? Math.log10(Math.max(x, 1)) : x;
  const xs = points.map(({ x }) => scaled(x));
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const top = Math.max(...points.map(({ y }) => y)) * 1.1 || 1;
  const plot = {
    width: WIDTH - MARGIN.left - MARGIN.right,
    height: HEIGHT - MARGIN.top - MARGIN.bottom,
  };
  const at = (x: number, y: number) => ({
    x: MARGIN.left + (scaled(x) - left) / (right - left || 1) * plot.width,
    y: MARGIN.top + (1 - y / top) * plot.height,
  });
  const text = (x: number, y: number, content: string, anchor = "middle") =>
    `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${content}</text>`;
  const drawn = lines.flatMap((line, index) => {
    const colour = COLOURS[index % COLOURS.length];
    const places = line.points.map(({ x, y }) => at(x, y));
    const path = places.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
    return [
      `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...places.map(({ x, y }) =>
        `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`
      ),
      `<text x="${MARGIN.left + 8 + index * 140}" y="${MARGIN.top - 6}" fill="${colour}">` +
      `${line.name}</text>`,
    ];
  });
  const places = [...new Set(points.map(({ x }) => x))].sort((one, other) => one - other);
  const step = Math.ceil(places.length / TICKS_MAX);
  const ticks = places.filter((_, index) => index % step === 0).map((x) =>
    text(at(x, 0).x, HEIGHT - MARGIN.bottom + 16, x.toLocaleString("en"))
  );
  const levels = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const { y } = at(points[0]?.x ?? 0, share * top);
    const value = (share * top).toLocaleString("en", { maximumSignificantDigits: 3 });
    return `<path d="M${MARGIN.left} ${y.toFixed(1)}h${plot.width}" stroke="#ddd"/>` +
      text(MARGIN.left - 6, y + 4, value, "end");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
    `font-family="sans-serif" font-size="11">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="white"/>`,
    text(WIDTH / 2, 16, `${name}: ${yLabel}`),
    ...levels,
    ...drawn,
    ...ticks,
    text(WIDTH / 2, HEIGHT - 10, xLabel),
    "</svg>\n",
  ].join("\n");
}
