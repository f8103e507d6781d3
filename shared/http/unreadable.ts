import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { AppError } from "../errors.ts";
import { childTraceparent } from "../telemetry/traceparent.ts";
import { HttpRefusal, problemHeaders, problemOf } from "./problem.ts";

/** The problem body for a message that no route sees, and its headers. */
export function unreadableProblem(error: AppError) {
  const traceId = childTraceparent(undefined).slice(3, 35);
  const problem = problemOf(error, traceId);
  return { problem, body: JSON.stringify(problem), headers: problemHeaders(error) };
}

/**
 * Answers what never becomes a request: bytes that are no HTTP, headers over the limit, a client
 * that is too slow. Node would send a status and no body. While another request of the connection
 * is being answered the connection is only closed: the client would take the refusal for its answer.
 */
export function answerUnreadable(server: Server, isAnswering: (socket: Duplex) => boolean): void {
  const end = (socket: Duplex, error: AppError) => {
    if (socket.writable && !isAnswering(socket)) refuse(socket, error);
    else socket.destroy();
  };
  server.on("clientError", (error: Error & { code?: string }, socket) => {
    if (error.code === "ECONNRESET") socket.destroy();
    else end(socket, refusalOf(error.code));
  });
  server.on("connect", (_request, socket) => {
    // Node has let go of the socket: a reset that nothing hears would end the process.
    socket.on("error", () => {});
    end(socket, new AppError("invalid_argument", "CONNECT is for proxies"));
  });
}

function refusalOf(code: string | undefined): AppError {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HttpRefusal(431, "The request's headers are too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new HttpRefusal(408, "The request did not arrive in time");
    default:
      return new AppError("invalid_argument", "The request is not well-formed HTTP/1.1");
  }
}

function refuse(socket: Duplex, error: AppError): void {
  const { problem, body, headers } = unreadableProblem(error);
  const lines = Object.entries({
    ...headers,
    "content-length": String(body.length),
    connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const head = `HTTP/1.1 ${problem.status} ${problem.title}\r\n${lines.join("")}\r\n`;
  // The client may never close its side.
  socket.end(head + body, () => socket.destroy());
}
