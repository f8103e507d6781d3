import { once } from "node:events";
import { createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { expect, onTestFinished, test } from "vitest";
import { createKafkaClients } from "./kafka-client.ts";

const hasIpv6 = Object.values(networkInterfaces()).flat()
  .some((address) => address?.address === "::1");

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ...hasIpv6 ? [["::1", "[::1]"], ["::1", "[0:0:0:0:0:0:0:1]"]] : [],
])("a client connects to its broker on %s as %s", async (listening, written) => {
  const server = createServer().listen(0, listening);
  onTestFinished(() => void server.close());
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const { impatient } = createKafkaClients({ brokers: [`${written}:${port}`] }, () => {});
  const admin = impatient.admin();
  const connecting = admin.connect().catch(() => {});
  const [socket] = await once(server, "connection");
  expect(socket.localPort).toBe(port);
  server.on("connection", (later) => later.destroy());
  socket.destroy();
  await connecting;
  await admin.disconnect();
});
