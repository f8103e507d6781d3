import { createRequire } from "node:module";
import type { Socket } from "node:net";
import kafkajs, { type KafkaJSError } from "kafkajs";

/** The parts of kafkajs 2.2.4 that {@link dropSilentBrokers} patches. */
interface Connection {
  readonly host: string;
  readonly port: number;
  readonly socket: Socket | undefined;
  send(request: unknown): Promise<unknown>;
  rejectRequests(error: Error): void;
  disconnect(): Promise<unknown>;
}
interface Broker {
  readonly brokerAddress: string;
  connect(): Promise<void>;
}
interface Errors {
  readonly KafkaJSConnectionClosedError: new (
    message: string,
    where: Pick<Connection, "host" | "port">,
  ) => KafkaJSError;
}

/**
 * A broker that hangs still accepts connections. kafkajs 2.2.4 keeps a connection on which a
 * request has timed out, and uses it again: to look up leaders, and as the first broker of a
 * client, which then never tries another. This patch closes the connection, as other clients do, so
 * that kafkajs treats the broker as lost. Call it once per process.
 */
export function dropSilentBrokers(): void {
  const load = createRequire(import.meta.url);
  const connection = load("kafkajs/src/network/connection.js") as { prototype: Connection };
  const broker = load("kafkajs/src/broker/index.js") as { prototype: Broker };
  const { KafkaJSConnectionClosedError } = load("kafkajs/src/errors.js") as Errors;

  const { send } = connection.prototype;
  connection.prototype.send = async function (request) {
    try {
      return await send.call(this, request);
    } catch (error) {
      if (!(error instanceof kafkajs.KafkaJSRequestTimeoutError)) throw error;
      const { host, port } = this;
      const lost = new KafkaJSConnectionClosedError(error.message, { host, port });
      this.rejectRequests(lost);
      this.socket?.destroy();
      await this.disconnect();
      throw lost;
    }
  };

  const { connect } = broker.prototype;
  broker.prototype.connect = async function () {
    try {
      await connect.call(this);
    } catch (error) {
      if (!(error instanceof KafkaJSConnectionClosedError)) throw error;
      // kafkajs tries another broker after this error alone.
      throw new kafkajs.KafkaJSConnectionError(error.message, { broker: this.brokerAddress });
    }
  };
}
