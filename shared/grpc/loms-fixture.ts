import { readFile } from "node:fs/promises";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import { RequestContext } from "../async/request-context.ts";
import { formatHostPort } from "../config.ts";
import { createGrpcClient, type GrpcClient } from "./client.ts";
import { badRequest, errorInfo, preconditionFailure } from "./error-details.ts";
import { type GrpcServer, startGrpcServer } from "./server.ts";
import type { UnaryHandler } from "./unary.ts";

export const traceparent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
const errorDetails = [errorInfo("test"), badRequest, preconditionFailure, orderShortageDetail];

/** A server of loms' methods, with one handler for all of them. */
export async function startServer(handler: UnaryHandler, port = 0): Promise<GrpcServer> {
  const keys = Object.keys(LomsDefinition.methods);
  return await startGrpcServer({
    address: { host: "127.0.0.1", port },
    definition: LomsDefinition,
    handlers: Object.fromEntries(keys.map((key) => [key, handler])),
    descriptorSet: await readFile(new URL("../../proto/gen/loms.binpb", import.meta.url)),
    errorDetails,
  });
}

export function clientOf({ address }: GrpcServer): GrpcClient<LomsDefinition> {
  return createGrpcClient({
    definition: LomsDefinition,
    address: formatHostPort(address),
    errorDetails,
  });
}

export function inTime(timeoutMs = 5_000): RequestContext {
  return new RequestContext({ traceparent, timeoutMs });
}
