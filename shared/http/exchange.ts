import type { Context } from "hono";
import type { RequestContext } from "../async/request-context.ts";
import type { AppError } from "../errors.ts";
import { requestIdOf } from "./request-id.ts";

/** One request and what became of it, for those who watch. */
export class Exchange {
  readonly method: string;
  readonly context: RequestContext;
  /** The caller's place in the trace, if it sent one. */
  readonly parent: string | undefined;
  /** The caller's name for the request, or one of ours; the answer and the log have it. */
  readonly requestId: string;
  /** On the scale of `context.clock`, in ms. */
  readonly startedAt: number;
  /** The route's pattern, as `/user/{user_id}/cart`; undefined when the path matches no route. */
  route: string | undefined = undefined;
  status = 0;
  /** Of the answer's body. */
  bytes = 0;
  durationMs = 0;
  /** Why the request was refused or failed. */
  error: AppError | undefined = undefined;

  constructor(request: Request, context: RequestContext, parent: string | undefined) {
    this.method = request.method;
    this.context = context;
    this.parent = parent;
    this.requestId = requestIdOf(request.headers, context.spanId);
    this.startedAt = context.clock.now();
  }
}

/** Is told of every request once, after its answer is made: logs, metrics, traces. Never throws. */
export interface HttpObserver {
  requestEnded(exchange: Exchange): void;
}

export interface HttpEnv {
  Variables: { exchange: Exchange };
}

export type HttpContext = Context<HttpEnv>;
