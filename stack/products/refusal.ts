import type { ProductServiceError } from "../../proto/product-service.ts";
import { AppError } from "../../shared/errors.ts";
import { answerText } from "../../shared/http/app.ts";
import type { MountedRoute } from "../../shared/http/exchange.ts";
import { problemOf } from "../../shared/http/problem.ts";

/** A call that is answered with `status` and an error body. */
export class ServiceRefusal extends Error {
  override readonly name = "ServiceRefusal";
  readonly status: number;
  readonly retryAfterS: number | undefined;

  constructor(status: number, message: string, retryAfterS?: number) {
    super(message);
    this.status = status;
    this.retryAfterS = retryAfterS;
  }
}

/** gRPC's status numbers, which the errors of the product service have. */
const CODES: Readonly<Record<number, number>> = {
  ...{ 400: 3, 401: 16, 403: 7, 404: 5, 413: 3, 420: 8, 429: 8, 501: 12, 503: 14, 504: 4 },
};
const UNKNOWN_CODE = 2;

/** Answers a thrown error as the product service does. */
export function withRefusals(run: MountedRoute["run"]): MountedRoute["run"] {
  return async (c) => {
    try {
      return await run(c);
    } catch (thrown) {
      const { status, message, retryAfterS } = asRefusal(thrown);
      const body: ProductServiceError = { code: CODES[status] ?? UNKNOWN_CODE, message };
      return answerText(c, status, JSON.stringify(body), {
        "content-type": "application/json",
        ...retryAfterS !== undefined && { "retry-after": String(retryAfterS) },
      });
    }
  };
}

function asRefusal(thrown: unknown): ServiceRefusal {
  if (thrown instanceof ServiceRefusal) return thrown;
  if (!(thrown instanceof AppError)) return new ServiceRefusal(500, "internal error");
  const { status, detail } = problemOf(thrown, "");
  return new ServiceRefusal(status, detail);
}
