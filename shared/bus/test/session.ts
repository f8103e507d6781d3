/**
 * How long a member of a Kafka group may be silent in tests: shorter than a service's, because a
 * test waits for the end of a killed member's; longer than a busy machine stalls a process, because
 * a living member's messages would be redelivered.
 */
export const SESSION_MS = 6_000;
