import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { commandFor, ownRuntime } from "../stack/processes/runtimes.ts";
import type { Body } from "./http.ts";

const CLIENT = fileURLToPath(new URL("grpc-client.ts", import.meta.url));
/** Above every deadline of the services. */
const CALL_MAX_MS = 20_000;

export interface GrpcCall {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Without one the call has no deadline. */
  readonly maxTimeS?: number;
}

export interface GrpcDetail {
  readonly "@type": string;
  readonly [field: string]: unknown;
}

export interface GrpcAnswer {
  /** 0 if the call was answered. */
  readonly code: number;
  readonly message: string;
  readonly details: readonly GrpcDetail[];
  /** The response; int64 as decimal strings. */
  readonly body: Body;
}

/** Calls a method from another process with its own gRPC settings and descriptors. */
export function grpcCall(
  address: string,
  method: string,
  request: string,
  { headers = {}, maxTimeS }: GrpcCall = {},
): Promise<GrpcAnswer> {
  const options = Object.entries(headers).flatMap(([key, value]) => ["-H", `${key}: ${value}`]);
  if (maxTimeS !== undefined) options.push("--max-time", String(maxTimeS));
  const [command = "", ...args] = [
    ...commandFor(ownRuntime(), CLIENT, ["-A"]),
    ...[...options, address, method, request],
  ];
  return new Promise((resolve, reject) => {
    execFile(command, args, { timeout: CALL_MAX_MS }, (error, stdout, stderr) => {
      if (stdout === "") return reject(new Error(`${method}: ${stderr}`, { cause: error }));
      const shown = JSON.parse(stdout) as Body;
      const failure = shown as unknown as Omit<GrpcAnswer, "body">;
      resolve(
        error ? { ...failure, body: {} } : {
          code: 0,
          message: "",
          details: [],
          body: shown,
        },
      );
    });
  });
}
