// loms' OrderInfo and StocksInfo over gRPC, from PostgreSQL's synchronous standby, beside grpc-js
// handlers that return a constant. The processes run in alternating rounds.
// Usage: node bench/beside/loms-reads.ts [--runtime node|deno] [--rounds N] [--callers N]
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { testContext } from "../../loms/repository/writer-fixture.ts";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { createGrpcClient } from "../../shared/grpc/client.ts";
import { CloseStack } from "../../shared/lifecycle.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { DEFAULT_RUNTIME } from "../../stack/services.ts";
import { startMeasured } from "../measured-process.ts";
import { benchLoms } from "../observability/loms.ts";
import { compareRounds } from "./compare-rounds.ts";

const GOAL = 0.75;
const ORDERS = 1_000;
const SKU = 1_148_162;
const ECHO = fileURLToPath(new URL("bare-echo.ts", import.meta.url));

const { values } = parseArgs({
  options: {
    runtime: { type: "string", default: DEFAULT_RUNTIME },
    rounds: { type: "string", default: "9" },
    callers: { type: "string", default: "64" },
  },
});
const runtime = values.runtime as Runtime;
const opened = new CloseStack();
try {
  const bench = await benchLoms(opened);
  const { url, grpc = "", environment } = await bench.settings();
  const loms = await startMeasured({
    name: `loms on ${runtime}`,
    command: commandFor(runtime, "loms/main.ts", ["-A"]),
    environment,
    readyUrl: `${url}/readyz`,
  }, opened);
  const [grpcPort, httpPort] = await freePorts(2);
  const echo = await startMeasured({
    name: "grpc-js",
    command: [...commandFor(runtime, ECHO, ["-A"]), `${grpcPort}`, `${httpPort}`],
    environment: {},
    readyUrl: `http://127.0.0.1:${httpPort}`,
  }, opened);

  const clientOf = (address: string) => {
    const client = createGrpcClient({ definition: LomsDefinition, address, errorDetails: [] });
    opened.push("a client", () => Promise.resolve(client.close()));
    return client;
  };
  const clients = { loms: clientOf(grpc), echo: clientOf(`127.0.0.1:${grpcPort}`) };
  const orders: bigint[] = [];
  await loms.measure(
    {
      async doOne() {
        if (orders.length >= ORDERS) return await Promise.resolve();
        const items = [1_625_903, 139_275_865].map((sku) => ({ sku, count: 1 }));
        const order = await clients.loms.call("orderCreate", { user: 7n, items }, testContext());
        orders.push(order.orderID);
      },
    },
    3_000,
    1,
  );

  const sizes = { rounds: Number(values.rounds), callers: Number(values.callers) };
  const stocksInfo = (client: typeof clients.loms) => ({
    doOne: async () => void await client.call("stocksInfo", { sku: SKU }, testContext()),
  });
  let next = 0;
  const orderInfo = (client: typeof clients.loms) => ({
    async doOne() {
      const orderID = orders[next++ % orders.length] as bigint;
      await client.call("orderInfo", { orderID }, testContext());
    },
  });
  for (const [name, load] of [["StocksInfo", stocksInfo], ["OrderInfo", orderInfo]] as const) {
    await compareRounds(
      { process: echo, load: load(clients.echo) },
      { process: loms, load: load(clients.loms) },
      { title: `${name}, goal ${GOAL}`, ...sizes },
    );
  }
} finally {
  await opened.close();
}
