import process from "node:process";
import type { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import type { GrpcClient } from "./client.ts";
import { clientOf, inTime, startServer } from "./loms-fixture.ts";

// A process in which one side of a connection closes gracefully while the other is idle: argument
// "server" or "client". It prints "alive" if it survives. Run it with --expose-gc.

/** The more memory is in use, the more likely a premature free is detected. */
const CALLS = 50;
const COLLECTIONS = 4;
const ROUNDS = 8;

const collect = (globalThis as unknown as { gc: () => void }).gc;
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

async function callOften(client: GrpcClient<LomsDefinition>): Promise<void> {
  for (let call = 0; call < CALLS; call++) {
    const context = inTime();
    await client.call("stocksInfo", { sku: 1 }, context);
    context.close();
  }
}

async function idle(): Promise<void> {
  for (let collection = 0; collection < COLLECTIONS; collection++) {
    collect();
    await turn();
  }
}

const [first = ""] = process.argv.slice(2);
for (let round = 0; round < ROUNDS; round++) {
  const server = await startServer(() => Promise.resolve({ count: 7n }));
  const client = clientOf(server);
  await callOften(client);
  await idle();
  if (first === "server") await server.close();
  else client.close();
  await idle();
  if (first === "server") client.close();
  else await server.close();
}
process.stdout.write("alive\n");
process.exit(0);
