import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { networkInterfaces } from "node:os";
import { expect, inject, onTestFinished, test } from "vitest";
import type { TestKafka } from "../../stack/test/kafka-setup.ts";
import { createLogger } from "../telemetry/log.ts";
import { KafkaBus } from "./kafka.ts";
import { eachMessage } from "./test/each-message.ts";
import { Inbox, message } from "./test/inbox.ts";

const silent = createLogger({ service: "stack", level: "error", write: () => {} });
const kafka = inject("kafka") as TestKafka;
const hasIpv6 = Object.values(networkInterfaces()).flat()
  .some((address) => address?.address === "::1");

/** A proxy to the broker on an IPv6 address. */
async function overIpv6(): Promise<string> {
  const [host = "", port] = kafka.address.split(":");
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    near.pipe(far).pipe(near);
    for (const socket of [near, far]) socket.on("error", () => socket.destroy());
  });
  await once(server.listen(0, "::1"), "listening");
  onTestFinished(() => void server.close());
  return `[::1]:${(server.address() as { port: number }).port}`;
}

test.skipIf(!kafka || !hasIpv6)("messages pass through a broker with an IPv6 address", async () => {
  const bus = new KafkaBus({ brokers: [await overIpv6()], log: silent });
  onTestFinished(() => bus.close());
  const name = `test-${randomUUID()}`;
  const topic = { name, groups: [name], deadLetterQueue: `${name}.dlq` };
  await bus.ensureTopic(topic);
  const inbox = new Inbox();
  const subscription = await bus.subscribe({ topic, group: name, handle: eachMessage(inbox.take) });
  onTestFinished(() => subscription.close());
  await bus.publish(topic, [message("a", "1"), message("a", "2")]);
  await inbox.holds(2);
  expect(inbox.values()).toEqual(["1", "2"]);
});
