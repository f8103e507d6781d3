// The reference of reads.ts: grpc-js with handlers that return a constant. Usage:
// bare-echo.ts GRPC_PORT HTTP_PORT
import { createServer } from "node:http";
import process from "node:process";
import {
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
} from "@grpc/grpc-js";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { encodeMessage, methodPath } from "../../shared/grpc/unary.ts";

const ORDER = { status: "payed", user: 7n, items: [1, 2].map((sku) => ({ sku, count: 1 })) };
const ANSWERS = { stocksInfo: { count: 300n }, orderInfo: ORDER } as const;

const definition: Record<string, ServiceDefinition[string]> = {};
const handlers: Record<
  string,
  (call: ServerUnaryCall<unknown, unknown>, send: sendUnaryData<unknown>) => void
> = {};
for (const [name, answer] of Object.entries(ANSWERS)) {
  const method = LomsDefinition.methods[name as keyof typeof ANSWERS];
  definition[name] = {
    path: methodPath(LomsDefinition, method),
    requestStream: false,
    responseStream: false,
    requestSerialize: (message: unknown) => encodeMessage(method.requestType, message),
    requestDeserialize: (bytes: Buffer) => method.requestType.decode(bytes),
    responseSerialize: (message: unknown) => encodeMessage(method.responseType, message),
    responseDeserialize: (bytes: Buffer) => method.responseType.decode(bytes),
  };
  handlers[name] = (_, send) => send(null, answer);
}

const server = new Server();
server.addService(definition, handlers);
const [, , grpcPort, httpPort] = process.argv;
server.bindAsync(`127.0.0.1:${grpcPort}`, ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
  createServer((_, response) => response.end()).listen(Number(httpPort), "127.0.0.1");
});
