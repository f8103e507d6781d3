import { type Connection, createClientConfig, exactProblem } from "./exact-integers.ts";
import { createClient, createConfig } from "./gen/runtime/client/index.ts";
import { LomsApi } from "./gen/loms/sdk.gen.ts";

/** The operations of loms at `baseUrl`. */
export function lomsClient(baseUrl: string, connection: Connection = {}): LomsApi {
  const client = createClient(createClientConfig(createConfig({ baseUrl, ...connection })));
  client.interceptors.error.use(exactProblem);
  return new LomsApi({ client });
}
