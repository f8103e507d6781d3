import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import type { Programs } from "./programs.ts";

const JAVA_SOURCE = fileURLToPath(new URL("http-client.java", import.meta.url));
const JAVA_CLASS = "Requests";
const run = promisify(execFile);

export type Sent = readonly [method: string, url: string, body?: string];

export interface JavaClient {
  /** The responses to sequential requests of one HttpClient: status and version. */
  send(sent: readonly Sent[]): Promise<string[]>;
  close(): void;
}

/** Compiles a program around `HttpClient.newHttpClient()`, which offers h2c with every request. */
export async function compileJavaClient({ javac, java }: Programs): Promise<JavaClient> {
  const directory = newDataDirectory();
  await run(javac, ["-d", directory, JAVA_SOURCE]);
  return {
    async send(sent) {
      const args = sent.flatMap(([method, url, body = ""]) => [method, url, body]);
      const { stdout } = await run(java, ["-cp", directory, JAVA_CLASS, ...args]);
      return stdout.trimEnd().split("\n").map((line) => line.split(" ", 2).join(" "));
    },
    close: () => removeDirectory(directory),
  };
}

/** The status of the response to curl, which offers h2c. */
export async function sendByCurl({ curl }: Programs, [method, url, body]: Sent): Promise<number> {
  const data = body === undefined ? [] : ["--json", body];
  const options = ["--silent", "--http2", "--output", "/dev/null", "--write-out", "%{http_code}"];
  const { stdout } = await run(curl, [...options, "--request", method, ...data, url]);
  return Number(stdout);
}
