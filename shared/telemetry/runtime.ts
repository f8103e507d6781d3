import process from "node:process";

/** What this process runs on. */
export const RUNTIME = process.versions["deno"]
  ? { name: "deno", version: process.versions["deno"] }
  : { name: "node", version: process.versions.node };
