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

/** The first data of the server after these bytes, on a new connection. */
export function sendBytes(url: string, bytes: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    socket.setEncoding("utf8").once("data", (text) => {
      resolve(String(text));
      socket.destroy();
    }).once("error", reject).once("close", () => resolve(""));
  });
}

/** The bytes of an HTTP/1.1 request. */
export function requestBytes(line: string, headers: readonly string[], body = ""): string {
  const length = body === "" ? [] : [`Content-Length: ${body.length}`];
  return [`${line} HTTP/1.1`, ...headers, ...length, "", body].join("\r\n");
}
