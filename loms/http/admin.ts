import {
  stockChangeResponse,
  stockCountRequest,
  stockListRequest,
  stockListResponse,
  stockMovementsRequest,
  stockMovementsResponse,
  stockReceiveRequest,
} from "../../proto/stock-api.ts";
import { createHttpApp, endpoint, type HttpApp, mount } from "../../shared/http/app.ts";
import { BEARER_SCHEME, requireBearer } from "../../shared/http/bearer.ts";
import type { HttpAppOptions, MountedRoute } from "../../shared/http/exchange.ts";
import { type DocumentInfo, documentRoutes } from "../../shared/http/openapi.ts";
import { DOCUMENT_LINKS, startPageRoute } from "../../shared/http/start-page.ts";
import type { SkuStock } from "../domain/deps.ts";
import { stockChange } from "../domain/stock-change.ts";
import type { StockDeps } from "../domain/stock-deps.ts";
import { postRoute } from "./post-route.ts";

/** The OpenAPI document of the stock API, except its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Stock",
  version: "1.0.0",
  summary: "The stock of the warehouse, for operators",
  description:
    `Each change of stock is one transaction, safe beside orders, and writes one movement per line.
A \`reference\` makes it safe to repeat after 503 or 504. Integers are exact over the range of
int64: clients must keep every digit. Every error is a problem (RFC 9457). Its \`code\` is
machine-readable. The bearer token is \`LOMS_ADMIN_TOKEN\`; if it is not set, none is needed.`,
  defaultUrl: "http://127.0.0.1:8094",
  tags: [{ name: "stock", description: "Deliveries, counts and the ledger" }],
};

const BEARER = "bearer";
/** The second scheme is for a listener on loopback without a token. */
const SECURITY = [{ [BEARER]: [] }, {}];

/** Fits a change of a thousand lines with long numbers. */
const CHANGE_MAX_BYTES = 1024 * 1024;

/** Inputs of a change of stock beside its request. */
const change = (total_count: number) => ({
  description: "Changes all lines or none. Answers 412 with the SKU and both numbers if a total " +
    "would be below the reserved units; if it already is, it may only rise. A SKU without a " +
    "stock row gets one. A repeated reference gets the first answer.",
  ...{ tag: "stock", security: SECURITY },
  response: ["The new stock of each line, ascending by sku", stockChangeResponse, {
    lines: [{ sku: 135_717_466, total_count, reserved: 20 }],
  }] as const,
  problems: [401, 409, 412] as const,
});

const STOCK_RECEIVE = postRoute("stockReceive", "/v1/stock/receive", {
  summary: "Add received units, or remove units",
  ...change(124),
  request: [stockReceiveRequest, {
    lines: [{ sku: 135_717_466, count: 24 }],
    reason: "delivery",
    reference: "delivery note 4711",
  }],
});

const STOCK_COUNT = postRoute("stockCount", "/v1/stock/count", {
  summary: "Set counted totals",
  ...change(120),
  request: [stockCountRequest, {
    lines: [{ sku: 135_717_466, total_count: 120 }],
    reason: "stocktaking",
    reference: "stocktaking of March 4th",
  }],
});

const STOCK_LIST = postRoute("stockList", "/v1/stock/list", {
  summary: "List the stock",
  description: "In pages: `after` is the last SKU of the previous page. A page shorter than " +
    "`limit` is the last.",
  ...{ tag: "stock", security: SECURITY },
  request: [stockListRequest, { after: 1002, limit: 2 }],
  response: ["Ascending by sku", stockListResponse, {
    items: [
      { sku: 1003, total_count: 250, reserved: 30 },
      { sku: 1004, total_count: 300, reserved: 40 },
    ],
  }],
  problems: [401],
});

const STOCK_MOVEMENTS = postRoute("stockMovements", "/v1/stock/movements", {
  summary: "List the movements of a SKU",
  description: "`total_count` of a SKU is the sum of its movements less the units of payed " +
    "orders. In pages: `after` is the last id of the previous page. A page shorter than " +
    "`limit` is the last; an unknown SKU has none.",
  ...{ tag: "stock", security: SECURITY },
  request: [stockMovementsRequest, { sku: 773_297_411 }],
  response: ["Ascending by id", stockMovementsResponse, {
    movements: [{
      ...{ id: 21, sku: 773_297_411, kind: "opening", count: 150, total_count: 150 },
      ...{ reason: "opening balance", reference: "opening", at: "2026-03-04T05:06:07.890Z" },
    }],
  }],
  problems: [401],
});

export interface AdminHttpOptions extends Omit<HttpAppOptions, "origins"> {
  /** The bearer token that callers must send; without one the routes are open. */
  readonly token?: string | undefined;
}

/** The admin listener: the stock API and its documents. Pages of other origins may not call it. */
export function createAdminHttp(deps: StockDeps, options: AdminHttpOptions): HttpApp {
  const app = createHttpApp(options);
  app.openAPIRegistry.registerComponent("securitySchemes", BEARER, BEARER_SCHEME);
  mount(app, [
    ...requireBearer(stockRoutes(deps), options.token),
    ...documentRoutes(app, DOCUMENT_INFO),
    startPageRoute(DOCUMENT_INFO, DOCUMENT_LINKS),
  ]);
  return app;
}

function stockRoutes(deps: StockDeps): MountedRoute[] {
  return [
    endpoint(STOCK_RECEIVE, async ({ body: { lines, ...named } }, context) => {
      const change = {
        ...{ kind: "received", ...named } as const,
        lines: lines.map(({ sku, count }) => ({ sku, count: BigInt(count) })),
      };
      return changed(await stockChange(deps, change, context));
    }, CHANGE_MAX_BYTES),

    endpoint(STOCK_COUNT, async ({ body: { lines, ...named } }, context) => {
      const change = {
        ...{ kind: "counted", ...named } as const,
        lines: lines.map(({ sku, total_count: count }) => ({ sku, count })),
      };
      return changed(await stockChange(deps, change, context));
    }, CHANGE_MAX_BYTES),

    endpoint(STOCK_LIST, async ({ body: { after, limit } }, context) => {
      const items = await deps.stockReader.stockList(after, limit, context);
      return { status: 200, body: { items: items.map(toRow) } };
    }),

    endpoint(STOCK_MOVEMENTS, async ({ body }, context) => {
      return {
        status: 200,
        body: { movements: await deps.stockReader.stockMovements(body, context) },
      };
    }),
  ];
}

function changed(lines: readonly SkuStock[]) {
  return { status: 200, body: { lines: lines.map(toRow) } } as const;
}

function toRow({ sku, totalCount: total_count, reserved }: SkuStock) {
  return { sku, total_count, reserved };
}
