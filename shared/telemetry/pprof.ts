import type { HeapProfiler, Profiler, Runtime } from "node:inspector";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { Profile, type ProfileInput, StringTable } from "pprof-format";
import { HEAP_INTERVAL_BYTES } from "./profiler.ts";

const compress = promisify(gzip);
/** The prefix of our files in V8's names; a profile has relative paths. */
const SOURCE_ROOT = new URL("../../", import.meta.url).href;
const NANOS_PER_MICRO = 1_000;

/** A frame of V8's profilers; its line counts from 0. */
type CallFrame = Pick<Runtime.CallFrame, "functionName" | "url" | "lineNumber">;

/** A node of V8; Node's types omit its id and the samples. */
interface HeapNode {
  readonly id: number;
  readonly callFrame: CallFrame;
  readonly selfSize: number;
  readonly children: readonly HeapNode[];
}

interface HeapProfile {
  readonly head: HeapNode;
  readonly samples: readonly { readonly nodeId: number; readonly count: number }[];
}

/** The call tree of a profile, and its values. */
interface Tree<Node extends { readonly callFrame: CallFrame }> {
  readonly root: Node | undefined;
  readonly childrenOf: (node: Node) => readonly Node[];
  /** Without its children; undefined for none. */
  readonly valuesOf: (node: Node) => number[] | undefined;
  /** The unit of each value, as `["cpu", "nanoseconds"]`. */
  readonly names: readonly (readonly [type: string, unit: string])[];
  readonly periodName: readonly [type: string, unit: string];
  readonly period: number;
  /** In nanoseconds; 0 for a snapshot. */
  readonly durationNanos: number;
}

/** A CPU profile of V8 as gzipped pprof, without idle time. */
export function cpuPprof(profile: Profiler.Profile): Promise<Uint8Array<ArrayBuffer>> {
  const { samples = [], startTime, endTime } = profile;
  const durationNanos = (endTime - startTime) * NANOS_PER_MICRO;
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const spent = spentOf(profile);
  return gzippedPprof({
    root: profile.nodes[0],
    childrenOf: ({ children = [] }) => children.flatMap((id) => nodes.get(id) ?? []),
    valuesOf: ({ id }) => spent.get(id),
    names: [["samples", "count"], ["cpu", "nanoseconds"]],
    periodName: ["cpu", "nanoseconds"],
    period: Math.max(1, Math.round(durationNanos / Math.max(1, samples.length))),
    durationNanos,
  });
}

/** The samples of each node, and the nanoseconds that passed with it on top. */
function spentOf({ samples = [], timeDeltas = [] }: Profiler.Profile) {
  const spent = new Map<number, [samples: number, nanos: number]>();
  samples.forEach((id, index) => {
    const [count, nanos] = spent.get(id) ?? [0, 0];
    // The delta is the time since the previous sample, and belongs to that sample's node.
    const micros = Math.max(0, timeDeltas[index + 1] ?? 0);
    spent.set(id, [count + 1, nanos + micros * NANOS_PER_MICRO]);
  });
  return spent;
}

/** The live part of the sampled allocations as gzipped pprof. */
export function heapPprof(
  sampled: HeapProfiler.SamplingHeapProfile,
): Promise<Uint8Array<ArrayBuffer>> {
  const { head, samples } = sampled as unknown as HeapProfile;
  const objects = new Map<number, number>();
  for (const { nodeId, count } of samples) {
    objects.set(nodeId, (objects.get(nodeId) ?? 0) + count);
  }
  return gzippedPprof({
    root: head,
    childrenOf: ({ children }) => children,
    valuesOf: ({ id, selfSize }) => selfSize > 0 ? [objects.get(id) ?? 0, selfSize] : undefined,
    names: [["inuse_objects", "count"], ["inuse_space", "bytes"]],
    periodName: ["space", "bytes"],
    period: HEAP_INTERVAL_BYTES,
    durationNanos: 0,
  });
}

/** A profile in the format of pprof (profile.proto), with one location for each function. */
async function gzippedPprof<Node extends { readonly callFrame: CallFrame }>(
  { root, childrenOf, valuesOf, names, periodName, period, durationNanos }: Tree<Node>,
): Promise<Uint8Array<ArrayBuffer>> {
  const strings = new StringTable();
  const ids = new Map<string, number>();
  const functions: NonNullable<ProfileInput["function"]> = [];
  const locations: NonNullable<ProfileInput["location"]> = [];
  const samples: NonNullable<ProfileInput["sample"]> = [];
  const idOf = ({ functionName, url, lineNumber }: CallFrame): number => {
    const key = `${functionName}\n${url}\n${lineNumber}`;
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = ids.size + 1;
    ids.set(key, id);
    const name = strings.dedup(functionName || "(anonymous)");
    const filename = strings.dedup(url.replace(SOURCE_ROOT, ""));
    const line = Math.max(0, lineNumber + 1);
    functions.push({ id, name, systemName: name, filename, startLine: line });
    locations.push({ id, mappingId: 1, line: [{ functionId: id, line }] });
    return id;
  };
  const walk = (node: Node, callers: readonly number[]): void => {
    const { functionName } = node.callFrame;
    if (functionName === "(idle)") return;
    const isRoot = functionName === "(root)";
    const locationId = isRoot ? [] : [idOf(node.callFrame), ...callers];
    const value = valuesOf(node);
    if (value && !isRoot) samples.push({ locationId, value });
    for (const child of childrenOf(node)) walk(child, locationId);
  };
  if (root) walk(root, []);
  const named = ([type, unit]: readonly [string, string]) => (
    { type: strings.dedup(type), unit: strings.dedup(unit) }
  );
  // pprof looks up symbols for a mapping without any.
  const symbols = { hasFunctions: true, hasFilenames: true, hasLineNumbers: true };
  const profile = new Profile({
    sampleType: names.map(named),
    sample: samples,
    mapping: [{ id: 1, filename: strings.dedup("marketplace"), ...symbols }],
    location: locations,
    function: functions,
    stringTable: strings,
    timeNanos: BigInt(Date.now()) * 1_000_000n,
    durationNanos: BigInt(durationNanos),
    periodType: named(periodName),
    period,
  });
  return new Uint8Array(await compress(profile.encode()));
}
