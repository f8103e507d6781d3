import { type Connection, createClientConfig, exactProblem } from "./exact-integers.ts";
import { createClient, createConfig } from "./gen/runtime/client/index.ts";
import { StockApi } from "./gen/stock/sdk.gen.ts";

/** The operations of the stock API at `baseUrl`. */
export function stockClient(baseUrl: string, connection: Connection = {}): StockApi {
  const client = createClient(createClientConfig(createConfig({ baseUrl, ...connection })));
  client.interceptors.error.use(exactProblem);
  return new StockApi({ client });
}
