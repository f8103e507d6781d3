import { IDEMPOTENCY_KEY } from "../../proto/loms/v1/schemas.ts";
import type { FieldViolation } from "../../shared/errors.ts";
import { invalidArgument, violationsOf } from "../../shared/http/violations.ts";
import type { Next, RpcMethods } from "./method.ts";

/**
 * The innermost interceptor: applies the method's rules to the request and hands on what they made
 * of it.
 */
export function validation(methods: RpcMethods): Next {
  return async (call) => {
    const method = methods[call.method];
    const keys = method.takesIdempotencyKey ? call.idempotencyKeys : [];
    const wrongKey = violationOfKey(keys);
    const result = method.request.safeParse(await call.read());
    if (result.success && !wrongKey) {
      call.checkAnswerable?.();
      return await method.handle(result.data, { context: call.context, idempotencyKey: keys[0] });
    }
    const violations = result.error ? violationsOf(result.error) : [];
    throw invalidArgument(wrongKey ? [wrongKey, ...violations] : violations);
  };
}

/** The key's text stays out of the message: whoever sent it knows it. */
function violationOfKey(keys: readonly string[]): FieldViolation | undefined {
  const [key] = keys;
  if (key === undefined || (keys.length === 1 && IDEMPOTENCY_KEY.test(key))) return undefined;
  const message = keys.length > 1
    ? `must be sent once, got ${keys.length}`
    : "must be 1 to 255 printable ASCII characters";
  return { path: "idempotency-key", message };
}
