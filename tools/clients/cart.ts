import { type Connection, createClientConfig, exactProblem } from "./exact-integers.ts";
import { createClient, createConfig } from "./gen/runtime/client/index.ts";
import { CartApi } from "./gen/cart/sdk.gen.ts";

/** The operations of cart at `baseUrl`. */
export function cartClient(baseUrl: string, connection: Connection = {}): CartApi {
  const client = createClient(createClientConfig(createConfig({ baseUrl, ...connection })));
  client.interceptors.error.use(exactProblem);
  return new CartApi({ client });
}
