import { connect } from "node:net";

export const H2C_OFFER = [
  "Connection: Upgrade, HTTP2-Settings",
  "Upgrade: h2c",
  "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA",
];
export const WEBSOCKET_OFFER = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** The response to these bytes on a new connection, in Latin-1; "" if there is none. */
export function sendBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding("latin1").on("data", (text) => {
      received += String(text);
      if (firstResponse(received) !== undefined) socket.destroy();
    }).once("error", reject).once("close", () => resolve(received));
  });
}

/** The first response of the text, in Latin-1, with its body; undefined if it is incomplete. */
export function firstResponse(received: string): string | undefined {
  const [head = ""] = /^.*?\r\n\r\n/s.exec(received) ?? [];
  const length = Number(/\r\ncontent-length: ([0-9]+)\r\n/i.exec(head)?.[1] ?? 0);
  const end = head.length + length;
  return head !== "" && received.length >= end ? received.slice(0, end) : undefined;
}

/** The bytes of an HTTP/1.1 request. */
export function requestBytes(line: string, headers: readonly string[], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return [`${line} HTTP/1.1`, ...headers, ...length, "", body].join("\r\n");
}
