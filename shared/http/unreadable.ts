import type { Server } from "node:http";
import process from "node:process";
import type { Duplex } from "node:stream";
import { RequestError } from "@hono/node-server";
import { AppError } from "../errors.ts";
import { childTraceparent } from "../telemetry/tracing.ts";
import { HttpError, problemHeaders, problemOf } from "./problem.ts";

/**
 * Answers messages that never become a request: bytes that are not HTTP, headers over the limit, a
 * client that is too slow. Node would send a status without a body. If another request of the
 * connection is being answered, only closes the connection, because the client would take this
 * answer for that one.
 */
export function answerUnreadable(server: Server, isAnswering: (socket: Duplex) => boolean): void {
  const end = (socket: Duplex, error: AppError) => {
    if (socket.writable && !isAnswering(socket)) reject(socket, error);
    else socket.destroy();
  };
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else end(socket, errorOf(error.code));
  });
  server.on("connect", (_request, socket) => {
    // Node no longer handles errors of this socket: an unhandled reset would end the process.
    socket.on("error", () => {});
    end(socket, new AppError("invalid_argument", "CONNECT is not supported"));
  });
}

/**
 * The answer to a message of which node-server could not make a Request, such as a path with a
 * backslash. Any other cause is a defect.
 */
export function conversionFailure(cause: unknown): Response {
  const isUnreadable = cause instanceof RequestError;
  if (!isUnreadable) process.emitWarning(cause instanceof Error ? cause : String(cause));
  const error = isUnreadable
    ? new AppError("invalid_argument", "The request target is malformed", { cause })
    : new AppError("internal", "An unexpected error", { cause });
  const { problem, body, headers } = problemAnswer(error);
  return new Response(body, { status: problem.status, headers });
}

function errorOf(code: string | undefined): AppError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HttpError(431, "The request's headers are too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpError(408, "The request did not arrive in time");
    default:
      return new AppError("invalid_argument", "The request is not well-formed HTTP/1.1");
  }
}

function reject(socket: Duplex, error: AppError): void {
  const { problem, body, headers } = problemAnswer(error);
  const lines = Object.entries({
    ...headers,
    "content-length": String(body.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join("")}\r\n`;
  // The client may never close its side of the connection.
  socket.end(head + body, () => socket.destroy());
}

/** These messages have no trace context, so the problem gets a new trace id. */
function problemAnswer(error: AppError) {
  const traceId = childTraceparent(undefined).slice(3, 35);
  const problem = problemOf(error, traceId);
  return { problem, body: JSON.stringify(problem), headers: problemHeaders(error) };
}
