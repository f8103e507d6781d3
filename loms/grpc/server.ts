import { readFile } from "node:fs/promises";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { orderShortageDetail } from "../../proto/loms/v1/order-shortage.ts";
import type { HostPort } from "../../shared/config.ts";
import { badRequest, errorInfo, preconditionFailure } from "../../shared/grpc/error-details.ts";
import { type GrpcServer, startGrpcServer } from "../../shared/grpc/server.ts";
import type { StartTraceparent } from "../../shared/telemetry/tracing.ts";
import type { MethodName, Rpc } from "../rpc/rpc.ts";

/** The domain in google.rpc.ErrorInfo. */
const ERROR_DOMAIN = "loms.marketplace";
const DESCRIPTOR_SET = new URL("../../proto/gen/loms.binpb", import.meta.url);

/** Starts the gRPC server, with every method of the service. */
export async function startLomsGrpc(
  address: HostPort,
  rpc: Rpc,
  startTraceparent: StartTraceparent,
  parts: readonly string[],
): Promise<GrpcServer> {
  const names = Object.keys(LomsDefinition.methods) as MethodName[];
  return await startGrpcServer({
    address,
    startTraceparent,
    parts,
    definition: LomsDefinition,
    handlers: Object.fromEntries(names.map((name) => [name, rpc(name, "grpc")])),
    descriptorSet: await readFile(DESCRIPTOR_SET),
    errorDetails: [
      errorInfo(ERROR_DOMAIN),
      badRequest,
      preconditionFailure,
      orderShortageDetail,
    ],
  });
}
