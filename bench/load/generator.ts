// The load generator without Go: reads the same specification from stdin and prints the same report
// as main.go, in one Node process.
import { Agent, request as httpRequest } from "node:http";
import { connect } from "node:http2";
import process from "node:process";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { percentile } from "../statistics.ts";
import type { Report, Spec, Window } from "./report.ts";

const IN_FLIGHT_MAX = 20_000;
const WINDOW_MS = 500;

interface Answer {
  readonly status: string;
  readonly body: string;
}

type Send = (number: number) => Promise<Answer>;

interface Sample {
  readonly at: number;
  readonly took: number;
  readonly status: string;
}

const spec = JSON.parse(await text(process.stdin)) as Spec;
const bodies = spec.requests.map(({ body }) => Buffer.from(body ?? "", "base64"));
const answers: Record<string, string> = {};
const samples: Sample[] = [];
const warmUpMs = spec.warm_up_seconds * 1_000;
const lengthMs = warmUpMs + spec.seconds * 1_000;
let next = 0;
let firstError = "";

const { send, close } = spec.protocol === "grpc" ? overGrpc() : overHttp();
const before = process.cpuUsage();
const beginAt = performance.now();
const unsent = spec.rate > 0 ? await openLoop(spec.rate) : await closedLoop();
const runMs = performance.now() - beginAt;
const used = process.cpuUsage(before);
close();
process.stdout.write(JSON.stringify(report()));

async function closedLoop(): Promise<number> {
  await Promise.all(Array.from({ length: spec.callers }, async () => {
    while (performance.now() - beginAt < lengthMs) {
      const number = next++;
      if (spec.limit > 0 && number >= spec.limit) return;
      await call(number, performance.now());
    }
  }));
  return 0;
}

async function openLoop(rate: number): Promise<number> {
  const calls = new Set<Promise<void>>();
  let missed = 0;
  for (let number = 0;; number++) {
    const due = beginAt + number * 1_000 / rate;
    if (due - beginAt >= lengthMs) break;
    if (due > performance.now()) await wait(Math.ceil(due - performance.now()));
    if (calls.size >= IN_FLIGHT_MAX) {
      missed++;
      continue;
    }
    const sent = call(number, due).finally(() => calls.delete(sent));
    calls.add(sent);
  }
  await Promise.all(calls);
  return missed;
}

async function call(number: number, due: number): Promise<void> {
  const { status, body } = await send(number).catch((error: Error) => {
    firstError ||= error.message;
    return { status: "connection", body: "" };
  });
  if (spec.keep) answers[number] = `${status} ${body}`;
  samples.push({ at: due - beginAt, took: performance.now() - due, status });
}

function overGrpc(): { send: Send; close(): void } {
  const sessions = Array.from(
    { length: spec.connections },
    (_, index) => connect(`http://${spec.addresses[index % spec.addresses.length]}`),
  );
  const send: Send = (number) =>
    new Promise((resolve, reject) => {
      const which = number % spec.requests.length;
      const stream = sessions[number % sessions.length]!.request({
        ...{ ":method": "POST", ":path": spec.requests[which]?.path, te: "trailers" },
        ...{ "content-type": "application/grpc", "grpc-timeout": `${spec.timeout_ms}m` },
      });
      let status: unknown;
      stream.on("response", (headers) => status = headers["grpc-status"]);
      stream.on("trailers", (headers) => status = headers["grpc-status"]);
      stream.on("error", reject).on("close", () => {
        resolve({ status: status === "0" ? "ok" : `grpc ${status}`, body: "" });
      });
      stream.resume().end(bodies[which]);
    });
  return { send, close: () => sessions.forEach((session) => session.destroy()) };
}

function overHttp(): { send: Send; close(): void } {
  const agent = new Agent({ keepAlive: true });
  const send: Send = (number) =>
    new Promise((resolve, reject) => {
      const which = number % spec.requests.length;
      const { method = "POST", path } = spec.requests[which] ?? {};
      const url = `http://${spec.addresses[number % spec.addresses.length]}${path}`;
      const headers = { "content-type": "application/json" };
      const sent = httpRequest(url, { method, agent, headers }, async (response) => {
        const body = await text(response);
        const code = response.statusCode ?? 0;
        resolve({ status: code < 300 ? "ok" : String(code), body });
      });
      sent.setTimeout(spec.timeout_ms, () => sent.destroy(new Error("timeout")));
      sent.on("error", reject).end(bodies[which]);
    });
  return { send, close: () => agent.destroy() };
}

function report(): Report {
  const measured = samples.filter(({ at }) => at >= warmUpMs);
  const failed: Record<string, number> = {};
  for (const { status } of measured) {
    if (status !== "ok") failed[status] = (failed[status] ?? 0) + 1;
  }
  const isOk = ({ status }: Sample) => status === "ok";
  const timesOf = (some: readonly Sample[]) => some.filter(isOk).map(({ took }) => took);
  const windowOf = ({ at }: Sample) => Math.floor((at - warmUpMs) / WINDOW_MS);
  const byWindow = Map.groupBy(measured, windowOf);
  const windows = Array.from({ length: Math.max(-1, ...byWindow.keys()) + 1 }, (_, at): Window => {
    const some = byWindow.get(at) ?? [];
    const times = timesOf(some);
    const of = { p50_ms: percentile(times, 0.5) || 0, p99_ms: percentile(times, 0.99) || 0 };
    return { calls: times.length, failed: some.length - times.length, ...of };
  });
  const times = timesOf(measured);
  return {
    ...{ all: samples.filter(isOk).length, calls: times.length, failed, unsent, windows, answers },
    ...{ seconds: (runMs - warmUpMs) / 1_000, run_seconds: runMs / 1_000 },
    ...{ p50_ms: percentile(times, 0.5) || 0, p99_ms: percentile(times, 0.99) || 0 },
    ...{ cpu_seconds: (used.user + used.system) / 1e6, first_error: firstError },
  };
}
