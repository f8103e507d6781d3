import { z } from "zod";
import {
  getProductRequest,
  listSkusRequest,
  type ProductMethod,
} from "../../proto/product-service.ts";
import { skuNumber } from "../../proto/loms/v1/schemas.ts";
import type { Clock } from "../../shared/async/clock.ts";
import {
  answerJson,
  answerText,
  createHttpApp,
  type HttpApp,
  mount,
} from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { healthRoutes, metricsRoute } from "../../shared/http/probes.ts";
import { BODY_MAX_BYTES, readBody } from "../../shared/http/read-body.ts";
import { parseJsonBody } from "../../shared/json.ts";
import { invalidArgument, violationsOf } from "../../shared/violations.ts";
import type { Readiness } from "../../shared/lifecycle.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import { CallStats } from "./call-stats.ts";
import { faultPlan, type Faults } from "./faults.ts";
import { Catalogue, productChange } from "./products.ts";
import { refusalAnswer, ServiceRefusal } from "./refusal.ts";

export interface ProductsAppOptions {
  readonly token: string;
  readonly faults: Faults;
  readonly readiness: Readiness;
  readonly log?: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

type Run = MountedRoute["run"];

export function createProductsApp(options: ProductsAppOptions): HttpApp {
  const stats = new CallStats(options.clock);
  const catalogue = new Catalogue();
  const app = createHttpApp(options);
  mount(app, [
    call("get_product", getProductRequest, catalogue.getProduct, stats, options),
    call("list_skus", listSkusRequest, catalogue.listSkus, stats, options),
    ...productRoutes(catalogue),
    ...statsRoutes(stats),
    ...faultRoutes(options.faults),
    ...healthRoutes(options.readiness),
    metricsRoute(options.metrics),
  ]);
  return app;
}

/** A method of the product service: counted first, then whatever goes wrong with it. */
function call<Schema extends z.ZodType<{ token: string }>>(
  method: ProductMethod,
  schema: Schema,
  answer: (request: z.output<Schema>) => object,
  stats: CallStats,
  { faults, token }: ProductsAppOptions,
): MountedRoute {
  const run: Run = async (c) => {
    stats.count(method, c.req.header("user-agent"));
    // Before the fault, since the request has a deadline for its body and may be made slower.
    const bytes = await readBody(c, BODY_MAX_BYTES);
    await faults.meet(c.req.raw.signal);
    const request = parse(bytes, schema);
    if (request.token !== token) throw new ServiceRefusal(401, "the token is wrong");
    return answerJson(c, 200, answer(request));
  };
  return { method: "post", path: `/${method}`, run: withRefusals(run) };
}

function statsRoutes(stats: CallStats): MountedRoute[] {
  const path = "/stats";
  return [
    { method: "get", path, run: (c) => answerJson(c, 200, stats.view()) },
    {
      method: "delete",
      path,
      run(c) {
        stats.reset();
        return answerJson(c, 204);
      },
    },
  ];
}

function faultRoutes(faults: Faults): MountedRoute[] {
  const path = "/faults";
  const put: Run = async (c) => {
    faults.plan(parse(await readBody(c, BODY_MAX_BYTES), faultPlan));
    return answerJson(c, 204);
  };
  return [
    { method: "put", path, run: withRefusals(put) },
    {
      method: "delete",
      path,
      run(c) {
        faults.clear();
        return answerJson(c, 204);
      },
    },
  ];
}

/** Prices that change while the shop runs, for tests and the demo. */
function productRoutes(catalogue: Catalogue): MountedRoute[] {
  const put: Run = async (c) => {
    const change = parse(await readBody(c, BODY_MAX_BYTES), productChange);
    catalogue.change(skuOf(c.req.path), change);
    return answerJson(c, 204);
  };
  return [
    { method: "put", path: "/products/{sku}", run: withRefusals(put) },
    {
      method: "delete",
      path: "/products",
      run(c) {
        catalogue.restore();
        return answerJson(c, 204);
      },
    },
  ];
}

/** @throws {AppError} `invalid_argument` */
function skuOf(path: string): number {
  const text = path.split("/")[2] ?? "";
  const result = skuNumber.safeParse(/^[1-9][0-9]*$/.test(text) ? Number(text) : text);
  if (!result.success) throw invalidArgument(violationsOf(result.error));
  return result.data;
}

/** What a body of any content type says: the real product service does not look at that either. */
function parse<Schema extends z.ZodType>(
  bytes: ArrayBuffer | Uint8Array,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(parseJsonBody(bytes));
  if (!result.success) throw invalidArgument(violationsOf(result.error));
  return result.data;
}

function withRefusals(run: Run): Run {
  return async (c) => {
    try {
      return await run(c);
    } catch (thrown) {
      const { status, body, headers } = refusalAnswer(thrown);
      const json = { "content-type": "application/json", ...headers };
      return answerText(c, status, JSON.stringify(body), json);
    }
  };
}
