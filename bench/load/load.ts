import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { LomsDefinition } from "../../proto/gen/loms/v1/loms.ts";
import { encodeMessage, type MethodKey, methodPath } from "../../shared/grpc/unary.ts";
import type { RequestOf } from "../../shared/grpc/unary.ts";
import { cpuTimes, cpuUsPerCall, type Part } from "../cpu-time.ts";
import type { Report, Request, Spec } from "./report.ts";

const GO_PROGRAM = fileURLToPath(new URL("../../node_modules/.cache/bench/", import.meta.url));
const WARM_UP_SECONDS = 0.3;
const TIMEOUT_MS = 15_000;
const CONNECTIONS = 4;

export type Load =
  & Pick<Spec, "protocol" | "addresses" | "requests" | "seconds">
  & Partial<Spec>;

/** A report with the CPU time per call of each part. */
export interface Measured extends Report {
  readonly perSecond: number;
  /** Microseconds of CPU time per successful call, by part; the generator is one. */
  readonly cpuUs: Readonly<Record<string, number>>;
  /** Cores used by the generator. */
  readonly generatorCores: number;
}

/** Runs a generator in a separate process and measures the parts meanwhile. */
export async function generate(load: Load, parts: readonly Part[]): Promise<Measured> {
  const spec: Spec = {
    ...{ connections: CONNECTIONS, callers: 1, rate: 0, warm_up_seconds: WARM_UP_SECONDS },
    ...{ limit: 0, timeout_ms: TIMEOUT_MS, keep: false },
    ...load,
  };
  const [command = "", ...args] = await generatorCommand();
  const before = cpuTimes(parts);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "inherit"] });
  child.stdin.on("error", () => {});
  child.stdin.end(JSON.stringify(spec));
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, "close")]);
  const after = cpuTimes(parts);
  if (code !== 0) throw new Error(`The load generator ended with ${code ?? "a signal"}`);
  const report = JSON.parse(output) as Report;
  return {
    ...report,
    perSecond: report.calls / report.seconds,
    cpuUs: {
      ...cpuUsPerCall(parts, [before, after], report.all),
      generator: report.cpu_seconds * 1e6 / report.all,
    },
    generatorCores: report.cpu_seconds / report.run_seconds,
  };
}

let command: Promise<readonly string[]> | undefined;

/** The generator in Go, or the one in Node if Go 1.24 is not installed. */
export function generatorCommand(): Promise<readonly string[]> {
  return command ??= buildGo("generator", new URL("main.go", import.meta.url)).then(
    (program) => [program],
    () => [process.execPath, fileURLToPath(new URL("generator.ts", import.meta.url))],
  );
}

/** @throws {Error} if Go is not installed */
export async function buildGo(name: string, source: URL): Promise<string> {
  const program = join(GO_PROGRAM, name);
  mkdirSync(dirname(program), { recursive: true });
  await promisify(execFile)("go", ["build", "-o", program, fileURLToPath(source)]);
  return program;
}

/** A request of loms' gRPC, with its frame. */
export function grpcRequest<Key extends MethodKey<typeof LomsDefinition>>(
  key: Key,
  message: RequestOf<typeof LomsDefinition, Key>,
): Request {
  const method = LomsDefinition.methods[key];
  const bytes = encodeMessage(method.requestType, message);
  const frame = Buffer.alloc(5 + bytes.length);
  frame.writeUInt32BE(bytes.length, 1);
  bytes.copy(frame, 5);
  return { path: methodPath(LomsDefinition, method), body: frame.toString("base64") };
}

/** A request with a JSON body, or without one. */
export function httpRequest(method: "GET" | "POST", path: string, body?: unknown): Request {
  if (body === undefined) return { method, path };
  return { method, path, body: Buffer.from(JSON.stringify(body)).toString("base64") };
}
