import { type Caller, RequestContext } from "../../async/request-context.ts";
import { VirtualClock } from "../../async/test/virtual-clock.ts";
import { Metrics } from "../../telemetry/metrics.ts";
import { rememberedTracing } from "../../telemetry/test/tracing.ts";
import { ProductClient } from "../product-client.ts";
import { TestProductService } from "./product-service.ts";

export const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
/** The token. The service repeats it, which the client must tolerate. */
export const SECRET = "a-secret-token";
/** The answer of {@link TestProductService} for the SKU of the tests. */
export const PRODUCT = { name: "Product 42", price: 42 };

export const status = (code: number) => new Response(`no ${SECRET} today`, { status: code });

/** A client of a {@link TestProductService} on the same virtual clock. */
export function setUp(
  { cacheTtlMs = 0, cacheEntriesMax = 100, url = "http://products:8090/" } = {},
) {
  const clock = new VirtualClock();
  const service = new TestProductService(clock);
  const metrics = new Metrics("cart");
  const tracing = rememberedTracing();
  const client = new ProductClient({
    url,
    token: SECRET,
    userAgent: "test/1",
    cacheTtlMs,
    cacheEntriesMax,
    clock,
    random: () => 0.5,
    fetch: service.fetch,
    metrics,
    tracing,
  });
  const context = (timeoutMs = 5_000, caller?: Caller) =>
    new RequestContext({ traceparent: TRACEPARENT, timeoutMs, caller, clock });
  /** The product or the error; advances the time until there is one. */
  const get = async (sku = 42, timeoutMs?: number) => {
    const answer = client.getProduct(sku, context(timeoutMs)).catch((error: unknown) => error);
    await clock.advance(timeoutMs ?? 5_000);
    return await answer;
  };
  /** Like {@link get}, without advancing the time. */
  const getNow = async (sku = 42) => {
    const answer = client.getProduct(sku, context());
    await clock.advance(0);
    return await answer;
  };
  return { clock, service, client, metrics, spans: tracing.spans, context, get, getNow };
}
