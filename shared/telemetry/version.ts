import process from "node:process";
import release from "../../package.json" with { type: "json" };

/** Of the whole project, as package.json says it; part of the source, so that nothing is read. */
export const VERSION: string = release.version;

/** What this process runs on. */
export const RUNTIME = process.versions["deno"]
  ? { name: "deno", version: process.versions["deno"] }
  : { name: "node", version: process.versions.node };
