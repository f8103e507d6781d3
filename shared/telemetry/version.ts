import process from "node:process";
import release from "../../package.json" with { type: "json" };

/** The version in package.json, as a constant, so that no file is read. */
export const VERSION: string = release.version;

/** The runtime of this process. */
export const RUNTIME = process.versions["deno"]
  ? { name: "deno", version: process.versions["deno"] }
  : { name: "node", version: process.versions.node };
