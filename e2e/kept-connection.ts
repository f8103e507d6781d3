import { connect } from "node:net";

/** An HTTP/1.1 connection that the client does not close. */
export interface KeptConnection {
  /** Sends a request and resolves with the status of its answer; one at a time. */
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
  socket.on("error", () => {});
  return {
    closed,
    send(line, body) {
      const text = body === undefined ? "" : JSON.stringify(body);
      const answered = new Promise<number>((resolve, reject) => {
        let received = "";
        const take = (bytes: Uint8Array) => {
          received += new TextDecoder().decode(bytes);
          const end = received.indexOf("\r\n\r\n");
          if (end < 0 || received.length - end - 4 < lengthOf(received)) return;
          socket.off("data", take);
          resolve(Number(received.split(" ")[1]));
        };
        socket.on("data", take);
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

/** The Content-Length of a response; all bodies here are ASCII. */
function lengthOf(received: string): number {
  return Number(/\r\ncontent-length: ([0-9]+)\r\n/i.exec(received)?.[1] ?? 0);
}
