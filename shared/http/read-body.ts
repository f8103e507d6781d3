import type { RequestContext } from "../async/request-context.ts";
import { AppError } from "../errors.ts";
import type { HttpContext } from "./exchange.ts";
import { nodeIncoming } from "./node-incoming.ts";
import { HttpRefusal } from "./problem.ts";

/** Far above any cart call; a client that sends more is mistaken or unkind. */
export const BODY_MAX_BYTES = 64 * 1024;

const NOTHING = new Uint8Array(0);

/**
 * The request's body, of at most `maxBytes`. A declared length is looked at first, so a body that
 * is too large is not read at all; one without a declared length is read up to the limit.
 * @throws {HttpRefusal} 413
 * @throws {AppError} `invalid_argument` when the client breaks off, `deadline_exceeded` when it
 * is too slow
 */
export async function readBody(
  c: HttpContext,
  maxBytes: number,
): Promise<ArrayBuffer | Uint8Array> {
  const request = c.req.raw;
  const declared = request.headers.get("content-length");
  if (declared !== null && Number(declared) > maxBytes) throw tooLarge(maxBytes);
  if (declared === "0" || cannotHaveBody(c, request, declared)) return NOTHING;
  const { context } = c.get("exchange");
  try {
    return declared === null
      ? await readStream(request.body, maxBytes, context)
      : await withinDeadline(request.arrayBuffer(), context);
  } catch (error) {
    if (error instanceof AppError) throw error;
    const message = "The request body ended before it was complete";
    throw new AppError("invalid_argument", message, { cause: error });
  }
}

function tooLarge(maxBytes: number): HttpRefusal {
  return new HttpRefusal(413, `The body is larger than ${maxBytes} bytes`);
}

/** Known without touching `request.body`, for which node-server makes a whole Request. */
function cannotHaveBody(c: HttpContext, request: Request, declared: string | null): boolean {
  if (request.method === "GET" || request.method === "HEAD") return true;
  const isServed = nodeIncoming(c.env) !== undefined;
  return isServed && declared === null && request.headers.get("transfer-encoding") === null;
}

async function readStream(
  stream: ReadableStream<Uint8Array> | null,
  maxBytes: number,
  context: RequestContext,
): Promise<Uint8Array> {
  if (stream === null) return NOTHING;
  const chunks: Uint8Array[] = [];
  let size = 0;
  const reader = stream.getReader();
  try {
    for (;;) {
      const { done, value } = await withinDeadline(reader.read(), context);
      if (done) return joined(chunks, size);
      size += value.byteLength;
      if (size > maxBytes) throw tooLarge(maxBytes);
      chunks.push(value);
    }
  } catch (error) {
    // Not waited for: a stream whose client is gone may never answer.
    reader.cancel(error).catch(() => {});
    throw error;
  }
}

function joined(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.byteLength;
  }
  return whole;
}

function withinDeadline<Value>(work: Promise<Value>, context: RequestContext): Promise<Value> {
  return new Promise((resolve, reject) => {
    const cancel = context.clock.setTimer(context.remainingMs(), () => {
      reject(new AppError("deadline_exceeded", "The request body did not arrive in time"));
    });
    work.then(resolve, reject).finally(cancel);
  });
}
