import type { Programs } from "../programs.ts";

export const PROGRAMS = ["patroni", "etcd", "haproxy", "postgres"] as const;

export type MachinePrograms = Programs<(typeof PROGRAMS)[number]>;
