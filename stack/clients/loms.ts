import { createClientConfig, exactProblem } from "./exact-integers.ts";
import { type Client, createClient, createConfig } from "./gen/loms/client/index.ts";

/** What every function of `gen/loms/sdk.gen.ts` takes as its `client`: loms at `baseUrl`. */
export function lomsClient(baseUrl: string): Client {
  const client = createClient(createClientConfig(createConfig({ baseUrl })));
  client.interceptors.error.use(exactProblem);
  return client;
}
