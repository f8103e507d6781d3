import { type Connection, createClientConfig, exactProblem } from "./exact-integers.ts";
import { CartApi } from "./gen/cart/sdk.gen.ts";
import { LomsApi } from "./gen/loms/sdk.gen.ts";
import { type Client, createClient, createConfig } from "./gen/runtime/client/index.ts";
import { StockApi } from "./gen/stock/sdk.gen.ts";

/** The operations of a service at a base URL. */
const clientOf =
  <Api>(Operations: new (args: { client: Client }) => Api) =>
  (baseUrl: string, connection: Connection = {}): Api => {
    const client = createClient(createClientConfig(createConfig({ baseUrl, ...connection })));
    client.interceptors.error.use(exactProblem);
    return new Operations({ client });
  };

export const cartClient = clientOf(CartApi);
export const lomsClient = clientOf(LomsApi);
export const stockClient = clientOf(StockApi);
