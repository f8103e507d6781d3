import { createClientConfig, exactProblem } from "./exact-integers.ts";
import { type Client, createClient, createConfig } from "./gen/cart/client/index.ts";

/** What every function of `gen/cart/sdk.gen.ts` takes as its `client`: cart at `baseUrl`. */
export function cartClient(baseUrl: string): Client {
  const client = createClient(createClientConfig(createConfig({ baseUrl })));
  client.interceptors.error.use(exactProblem);
  return client;
}
