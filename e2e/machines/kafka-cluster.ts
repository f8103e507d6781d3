import { join } from "node:path";
import { KafkaBroker, newClusterId, type Properties } from "../../stack/kafka/broker.ts";
import { freePorts } from "../../stack/ports.ts";

/** One may be lost: two of three are a majority, and have every event. */
const BROKERS = 3;
const IN_SYNC_MIN = 2;

export interface KafkaCluster {
  readonly brokers: readonly KafkaBroker[];
  /** host:port of each, for KAFKA_BROKERS. */
  readonly address: string;
  close(): Promise<void>;
}

/** Three brokers that store each event three times, and acknowledge it when two have it. */
export async function startKafkaCluster(
  { jars, directory }: { readonly jars: string; readonly directory: string },
): Promise<KafkaCluster> {
  const ports = await freePorts(2 * BROKERS);
  const controllers = ports.slice(BROKERS);
  const clusterId = newClusterId();
  const brokers = controllers.map((controller, index) => {
    const options = {
      jars,
      clusterId,
      directory: join(directory, `broker${index + 1}`),
      customize: (own: Properties) => ofCluster(own, index + 1, controllers),
    };
    return new KafkaBroker(options, { broker: ports[index] as number, controller });
  });
  const close = async () => {
    await Promise.all(brokers.map((broker) => broker.close()));
  };
  try {
    // A broker is not ready without a majority.
    await Promise.all(brokers.map((broker) => broker.start()));
  } catch (error) {
    await close();
    throw error;
  }
  return { brokers, address: brokers.map(({ address }) => address).join(","), close };
}

/** The properties of one of several brokers. */
function ofCluster(own: Properties, nodeId: number, controllers: readonly number[]): Properties {
  const { "controller.quorum.bootstrap.servers": _alone, ...rest } = own;
  const voters = controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`);
  return {
    ...rest,
    "node.id": nodeId,
    "controller.quorum.voters": voters.join(","),
    "default.replication.factor": BROKERS,
    "min.insync.replicas": IN_SYNC_MIN,
    "offsets.topic.replication.factor": BROKERS,
    "transaction.state.log.replication.factor": BROKERS,
    "transaction.state.log.min.isr": IN_SYNC_MIN,
    "share.coordinator.state.topic.replication.factor": BROKERS,
    "share.coordinator.state.topic.min.isr": IN_SYNC_MIN,
  };
}
