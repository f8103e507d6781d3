/** The value of `messaging.system`: what carries the messages. */
export type BusSystem = "kafka" | "pg-boss";
