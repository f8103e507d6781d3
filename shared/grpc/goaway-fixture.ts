import { readFile } from "node:fs/promises";
import process from "node:process";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { RequestContext } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { createGrpcClient, type GrpcClient } from "./client.ts";
import { startGrpcServer } from "./server.ts";

// A process in which one side of a connection closes gracefully while the other is idle: argument
// "server" or "client". It prints "alive" if it survives. Run it with --expose-gc.

/** The more memory is in use, the more likely a premature free is detected. */
const CALLS = 50;
const COLLECTIONS = 4;
const ROUNDS = 8;

const collect = (globalThis as unknown as { gc: () => void }).gc;
const turn = () => new Promise<void>((resolve) => setTimeout(resolve, 20));

const keys = Object.keys(LomsDefinition.methods);
const descriptorSet = await readFile(new URL("../../proto/gen/loms.binpb", import.meta.url));
const start = () =>
  startGrpcServer({
    address: { host: "127.0.0.1", port: 0 },
    definition: LomsDefinition,
    handlers: Object.fromEntries(keys.map((key) => [key, () => Promise.resolve({ count: 7n })])),
    descriptorSet,
    errorDetails: [],
  });

async function callOften(client: GrpcClient<LomsDefinition>): Promise<void> {
  const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  for (let call = 0; call < CALLS; call++) {
    const context = new RequestContext({ traceparent, timeoutMs: 5_000 });
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
  const server = await start();
  const address = formatHostPort(server.address);
  const client = createGrpcClient({ definition: LomsDefinition, address, errorDetails: [] });
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
