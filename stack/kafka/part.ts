import { join } from "node:path";
import type { Environment } from "../../shared/config.ts";
import { isFree } from "../ports.ts";
import type { Ending } from "../processes/child.ts";
import { type BrokerPorts, type KafkaBroker, startKafka } from "./broker.ts";
import { kafkaJars, whyNoKafka } from "./jars.ts";

const DOCUMENTED_PORTS: BrokerPorts = { broker: 19_092, controller: 19_093 };

export interface KafkaPartOptions {
  /** The stack's data directory; downloads are in its `cache`, unless another folder is given. */
  readonly dataDirectory: string;
  readonly cacheDirectory?: string | undefined;
  readonly ports: "free" | "documented";
  readonly environment: Environment;
  readonly onSpawn: () => void;
  readonly onEnd: (ending: Ending) => void;
}

/**
 * Starts the broker of a stack; the first time, Maven downloads it.
 * @throws {Error} if no broker can be started
 */
export async function startKafkaPart(options: KafkaPartOptions): Promise<KafkaBroker> {
  const { dataDirectory, ports, onSpawn, onEnd } = options;
  const cache = options.cacheDirectory ?? join(dataDirectory, "cache");
  if (options.environment.KAFKA_BROKERS) {
    throw new Error("KAFKA_BROKERS is already set: unset it, or start without --kafka");
  }
  const reason = whyNoKafka(cache);
  if (reason) {
    throw new Error(
      `Cannot start Apache Kafka: ${reason}. Without --kafka events go over the embedded bus`,
    );
  }
  if (ports === "documented") {
    for (const port of Object.values(DOCUMENTED_PORTS)) {
      if (await isFree({ host: "127.0.0.1", port })) continue;
      throw new Error(
        `Another process listens on Apache Kafka's 127.0.0.1:${port}: stop it, or start with ` +
          "--free-ports",
      );
    }
  }
  return await startKafka({
    jars: await kafkaJars(cache),
    directory: join(dataDirectory, "kafka"),
    ...{ onSpawn, onEnd },
    ...(ports === "documented" && { ports: DOCUMENTED_PORTS }),
  });
}
