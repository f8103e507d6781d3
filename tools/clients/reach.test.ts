import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { lomsClient } from "./clients.ts";
import { reach } from "./reach.ts";

test("reach() sends the credentials of a URL as a header", async () => {
  const seen: unknown[] = [];
  const server = createServer(({ url, headers }, response) => {
    seen.push([url, headers.authorization]);
    response.setHeader("content-type", "application/json").end('{"count":1}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const loms = lomsClient(...reach(`http://shop:p%40ss@127.0.0.1:${port}/`));
  const { data } = await loms.stocksInfo({ body: { sku: 1n }, throwOnError: true });
  expect(data).toEqual({ count: 1n });
  expect(seen).toEqual([["/v1/stock/info", "Basic c2hvcDpwQHNz"]]);
});
