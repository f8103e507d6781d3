export interface BrokerPorts {
  readonly broker: number;
  readonly controller: number;
}

export type Properties = Readonly<Record<string, string | number | boolean>>;

/** The properties of a broker that is a cluster of its own on loopback (KRaft). */
export function brokerProperties(dataDirectory: string, ports: BrokerPorts): Properties {
  return {
    "process.roles": "broker,controller",
    "node.id": 1,
    "listeners": `PLAINTEXT://127.0.0.1:${ports.broker},CONTROLLER://127.0.0.1:${ports.controller}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${ports.broker}`,
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "controller.quorum.bootstrap.servers": `127.0.0.1:${ports.controller}`,
    "log.dirs": dataDirectory,
    "auto.create.topics.enable": false,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 3,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    // No wait of 3 s for more members at a group's first join.
    "group.initial.rebalance.delay.ms": 0,
    // Tests kill members and wait for the group to notice.
    "group.min.session.timeout.ms": 1000,
    // After kill -9 the broker is refused until its old session ends; the default takes 9 s.
    "broker.session.timeout.ms": 3000,
    "broker.heartbeat.interval.ms": 500,
    // The default takes half of the small heap.
    "log.cleaner.dedupe.buffer.size": 8_388_608,
  };
}
