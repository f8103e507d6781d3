import { connect } from "node:net";
import { firstResponse } from "./raw-http.ts";

/** An HTTP/1.1 connection that the client does not close. */
export interface KeptConnection {
  /**
   * Sends a request and resolves with the status of its answer. Answers have the order of their
   * requests.
   */
  send(line: string, body?: object): Promise<number>;
  /** Resolves once the server has closed it. */
  readonly closed: Promise<void>;
}

export async function keepConnection(url: string): Promise<KeptConnection> {
  const { hostname, host, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  const waiting: ((status: number) => void)[] = [];
  let received = "";
  socket.setEncoding("latin1").on("error", () => {}).on("data", (text) => {
    received += String(text);
    for (let next = firstResponse(received); next; next = firstResponse(received)) {
      received = received.slice(next.length);
      waiting.shift()?.(Number(next.split(" ")[1]));
    }
  });
  return {
    closed,
    send(line, body) {
      const text = body === undefined ? "" : JSON.stringify(body);
      const answered = new Promise<number>((resolve, reject) => {
        waiting.push(resolve);
        void closed.then(() => reject(new Error(`the connection was closed after "${received}"`)));
      });
      socket.write(
        `${line} HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n` +
          `Content-Length: ${text.length}\r\n\r\n${text}`,
      );
      return answered;
    },
  };
}
