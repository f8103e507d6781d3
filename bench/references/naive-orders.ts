// The reference of orders.ts: OrderCreate as a grpc-js handler that runs a transaction of several
// statements for each order on the schema of loms. Usage:
// naive-orders.ts GRPC_PORT HTTP_PORT DATABASE_URL
import { createServer } from "node:http";
import process from "node:process";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import postgres from "postgres";
import {
  LomsDefinition,
  OrderCreateRequest,
  OrderCreateResponse,
} from "../../proto/gen/loms/v1/loms.ts";
import { encodeMessage, methodPath } from "../../shared/grpc/unary.ts";
import { STATEMENTS } from "./naive-statements.ts";

/** More connections gave no more orders per second on the same machine. */
const CONNECTIONS = 32;

const [, , grpcPort, httpPort, url = ""] = process.argv;
const database = postgres(url, { max: CONNECTIONS, onnotice() {} });

async function orderCreate({ user, items }: OrderCreateRequest): Promise<bigint> {
  return await database.begin(async (transaction) => {
    const run = (text: string, values: readonly unknown[]) =>
      transaction.unsafe(text, values as never[], { prepare: true });
    await run("set local synchronous_commit = remote_apply", []);
    const lines = items.toSorted((one, other) => one.sku - other.sku);
    for (const { sku, count } of lines) {
      const [row] = await run(STATEMENTS.reserve, [sku, count]);
      if (!row) throw new Error(`sku ${sku} is short`);
    }
    const [order] = await run(STATEMENTS.order, [user.toString()]);
    const id = String(order?.["order_id"]);
    for (const { sku, count } of lines) await run(STATEMENTS.item, [id, sku, count]);
    for (const [seq, status] of [[1, "new"], [2, "awaiting payment"]]) {
      await run(STATEMENTS.event, [id, seq, status]);
      await run(STATEMENTS.outbox, [id, user.toString(), seq, status]);
    }
    return BigInt(id);
  });
}

const method = LomsDefinition.methods.orderCreate;
const server = new Server();
server.addService({
  orderCreate: {
    ...{ path: methodPath(LomsDefinition, method), requestStream: false, responseStream: false },
    requestSerialize: (message: OrderCreateRequest) => encodeMessage(method.requestType, message),
    requestDeserialize: (bytes: Buffer) => OrderCreateRequest.decode(bytes),
    responseSerialize: (message: OrderCreateResponse) =>
      encodeMessage(method.responseType, message),
    responseDeserialize: (bytes: Buffer) => OrderCreateResponse.decode(bytes),
  },
}, {
  orderCreate(
    { request }: { request: OrderCreateRequest },
    send: (error: Error | null, response?: OrderCreateResponse) => void,
  ) {
    orderCreate(request).then((orderID) => send(null, { orderID }), (error: Error) => send(error));
  },
});
server.bindAsync(`127.0.0.1:${grpcPort}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  createServer((_, response) => response.end()).listen(Number(httpPort), "127.0.0.1");
});
