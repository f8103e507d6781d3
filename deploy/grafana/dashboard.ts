// Dashboards of Grafana as short descriptions: the query and its title. The layout of the panels
// and Grafana's other fields are the same for all of them.

/** Units as Grafana names them: per second, seconds, bytes, a share of 1, a plain number. */
export type Unit = "ops" | "s" | "bytes" | "percentunit" | "short";

export interface Query {
  /** PromQL; `$__rate_interval` is Grafana's, four scrapes at least. */
  readonly expr: string;
  /** The legend of each series, with labels as `{{status}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** An explanation beside the title, or the normal value. */
  readonly about?: string;
  readonly unit: Unit;
  /** Current values instead of lines over time. */
  readonly isNow?: boolean;
  readonly queries: readonly Query[];
}

export interface Dashboard {
  /** Its identifier in Grafana and the name of its file. */
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly rows: readonly { readonly title: string; readonly panels: readonly Panel[] }[];
}

/** From deploy/grafana/provisioning/datasources. */
const DATASOURCE = { type: "prometheus", uid: "prometheus" };
/** Grafana's grid is 24 wide. */
const PANEL_SIZE = { w: 8, h: 8 } as const;
const PANELS_IN_LINE = 24 / PANEL_SIZE.w;
const SCHEMA_VERSION = 41;

/** The dashboard as the JSON that Grafana loads. */
export function renderDashboard({ name, title, about, rows }: Dashboard): string {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ type: "row", title: row.title, gridPos: { x: 0, y, w: 24, h: 1 }, panels: [] });
    y++;
    row.panels.forEach((panel, at) => {
      const x = (at % PANELS_IN_LINE) * PANEL_SIZE.w;
      const below = Math.floor(at / PANELS_IN_LINE) * PANEL_SIZE.h;
      panels.push(renderPanel(panel, { x, y: y + below, ...PANEL_SIZE }));
    });
    y += Math.ceil(row.panels.length / PANELS_IN_LINE) * PANEL_SIZE.h;
  }
  const dashboard = {
    uid: `marketplace-${name}`,
    title: `Marketplace / ${title}`,
    description: about,
    tags: ["marketplace"],
    schemaVersion: SCHEMA_VERSION,
    editable: false,
    refresh: "10s",
    time: { from: "now-30m", to: "now" },
    // The same instant in all panels.
    graphTooltip: 1,
    links: [{ type: "dashboards", title: "Marketplace", tags: ["marketplace"], keepTime: true }],
    panels: panels.map((panel, at) => ({ id: at + 1, ...panel })),
  };
  return `${JSON.stringify(dashboard, undefined, 2)}\n`;
}

function renderPanel({ title, about, unit, isNow = false, queries }: Panel, gridPos: object) {
  return {
    type: isNow ? "stat" : "timeseries",
    title,
    ...about === undefined ? {} : { description: about },
    datasource: DATASOURCE,
    gridPos,
    fieldConfig: {
      defaults: { unit, min: 0, custom: isNow ? {} : { fillOpacity: 10, showPoints: "never" } },
      overrides: [],
    },
    options: isNow
      ? { textMode: "value_and_name", colorMode: "none", reduceOptions: { calcs: ["lastNotNull"] } }
      : {
        legend: { displayMode: "table", placement: "bottom", calcs: ["lastNotNull", "max"] },
        tooltip: { mode: "multi", sort: "desc" },
      },
    targets: queries.map(({ expr, legend }, at) => ({
      refId: String.fromCharCode("A".charCodeAt(0) + at),
      datasource: DATASOURCE,
      expr,
      legendFormat: legend,
      instant: isNow,
      range: !isNow,
    })),
  };
}
