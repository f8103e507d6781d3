/** What a span says of a call of `package.Service/Method`; our codes have the names of gRPC's. */
export function rpcAttributes(method: string, error: string | undefined) {
  return {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "rpc.status_code": (error ?? "ok").toUpperCase(),
  };
}
