import type { Programs } from "../programs.ts";

export const PROGRAMS = ["patroni", "etcd", "haproxy", "postgres", "java", "mvn"] as const;

export interface MachinePrograms extends Programs<(typeof PROGRAMS)[number]> {
  /** The folder with Apache Kafka. */
  readonly kafkaJars: string;
}
