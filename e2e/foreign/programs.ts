import type { Programs as ProgramsNamed } from "../programs.ts";

export const PROGRAMS = [
  "initdb",
  "postgres",
  "psql",
  "pgbouncer",
  "haproxy",
  "faketime",
  "openssl",
  "curl",
  "java",
  "javac",
] as const;

export type Programs = ProgramsNamed<(typeof PROGRAMS)[number]>;
