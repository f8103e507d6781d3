import { z } from "zod";
import { skuNumber } from "../../proto/loms/v1/schemas.ts";
import {
  getProductRequest,
  listSkusRequest,
  type ProductMethod,
} from "../../proto/product-service.ts";
import type { Clock } from "../../shared/async/request-context.ts";
import { answerJson, createHttpApp, type HttpApp, mount } from "../../shared/http/app.ts";
import type { HttpContext, MountedRoute } from "../../shared/http/exchange.ts";
import { probeRoutes } from "../../shared/http/probes.ts";
import { BODY_MAX_BYTES, readBody } from "../../shared/http/read-body.ts";
import { parseJsonBody } from "../../shared/json.ts";
import type { Readiness } from "../../shared/lifecycle.ts";
import type { Logger } from "../../shared/telemetry/log.ts";
import type { Metrics } from "../../shared/telemetry/metrics.ts";
import { invalidArgument, violationsOf } from "../../shared/violations.ts";
import { CallStats } from "./call-stats.ts";
import { faultPlan, type Faults } from "./faults.ts";
import { Catalogue, productChange } from "./products.ts";
import { ServiceRefusal, withRefusals } from "./refusal.ts";

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
  const { faults } = options;
  const stats = new CallStats(options.clock);
  const catalogue = new Catalogue();
  const app = createHttpApp(options);
  mount(app, [
    call("get_product", getProductRequest, catalogue.getProduct, stats, options),
    call("list_skus", listSkusRequest, catalogue.listSkus, stats, options),
    control("put", "/products/{sku}", async (c) => {
      const change = parse(await readBody(c, BODY_MAX_BYTES), productChange);
      catalogue.change(skuOf(c.req.path), change);
    }),
    control("delete", "/products", () => catalogue.restore()),
    { method: "get", path: "/stats", run: (c) => answerJson(c, 200, stats.view()) },
    control("delete", "/stats", () => stats.reset()),
    control("put", "/faults", async (c) => {
      faults.plan(parse(await readBody(c, BODY_MAX_BYTES), faultPlan));
    }),
    control("delete", "/faults", () => faults.clear()),
    ...probeRoutes(options),
  ]);
  return app;
}

/** A method of the product service. Calls are counted before anything can fail. */
function call<Schema extends z.ZodType<{ token: string }>>(
  method: ProductMethod,
  schema: Schema,
  answer: (request: z.output<Schema>) => object,
  stats: CallStats,
  { faults, token }: ProductsAppOptions,
): MountedRoute {
  const run: Run = async (c) => {
    stats.count(method, c.req.header("user-agent"));
    // Before the fault, because the request has a deadline for its body and may be delayed.
    const bytes = await readBody(c, BODY_MAX_BYTES);
    await faults.apply(c.req.raw.signal);
    const request = parse(bytes, schema);
    if (request.token !== token) throw new ServiceRefusal(401, "the token is wrong");
    return answerJson(c, 200, answer(request));
  };
  return { method: "post", path: `/${method}`, run: withRefusals(run) };
}

/** A route that changes the stand-in, for tests and the demo; it answers 204. */
function control(
  method: "put" | "delete",
  path: string,
  change: (c: HttpContext) => void | Promise<void>,
): MountedRoute {
  const run: Run = async (c) => {
    await change(c);
    return answerJson(c, 204);
  };
  return { method, path, run: withRefusals(run) };
}

/** @throws {AppError} `invalid_argument` */
function skuOf(path: string): number {
  const text = path.split("/")[2] ?? "";
  const result = skuNumber.safeParse(/^[1-9][0-9]*$/.test(text) ? Number(text) : text);
  if (!result.success) throw invalidArgument(violationsOf(result.error));
  return result.data;
}

/** The body, of any content type: the real product service ignores the type as well. */
function parse<Schema extends z.ZodType>(
  bytes: ArrayBuffer | Uint8Array,
  schema: Schema,
): z.output<Schema> {
  const result = schema.safeParse(parseJsonBody(bytes));
  if (!result.success) throw invalidArgument(violationsOf(result.error));
  return result.data;
}
