import type { Logger } from "../../shared/telemetry/log.ts";
import { deadline } from "./deadline.ts";
import { errors } from "./errors.ts";
import { logging } from "./logging.ts";
import type { Interceptor, Next, ResponseOf, RpcCall, RpcMethods } from "./method.ts";
import { validation } from "./validation.ts";

/** A call of one method through the whole chain; rejects with nothing but AppErrors. */
export type Rpc = <Call extends RpcCall>(call: Call) => Promise<ResponseOf<Call["method"]>>;

/**
 * The one chain that every call of both doors goes through, outermost first. What is `watching` a
 * call (metrics, traces) comes between `logging` and `errors`, where a failure already has its code.
 */
export function createRpc(
  methods: RpcMethods,
  log: Logger,
  watching: readonly Interceptor[] = [],
): Rpc {
  const interceptors: readonly Interceptor[] = [logging(log), ...watching, errors, deadline];
  const chain = interceptors.reduceRight<Next>(
    (next, interceptor) => (call) => interceptor(call, next),
    validation(methods),
  );
  // The table of methods says which response belongs to which name.
  return chain as Rpc;
}
