import type { HeapProfiler, Profiler } from "node:inspector";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import type { Location } from "pprof-format";
import { type CallFrame, PprofBuilder } from "./pprof-builder.ts";
import { HEAP_INTERVAL_BYTES } from "./profiler.ts";

const compress = promisify(gzip);
/** As V8 names our files; a profile has paths below it. */
const SOURCE_ROOT = new URL("../../", import.meta.url).href;
const NANOS_PER_MICRO = 1_000;

/** A node as V8 returns it; the types of Node leave out its id and the samples. */
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

/** A CPU profile of V8 as gzipped pprof, with what was idle left out. */
export async function cpuPprof(profile: Profiler.Profile): Promise<Uint8Array<ArrayBuffer>> {
  const micros = profile.endTime - profile.startTime;
  const builder = new PprofBuilder({
    values: [["samples", "count"], ["cpu", "nanoseconds"]],
    periodType: ["cpu", "nanoseconds"],
    period: periodOf(profile, micros) * NANOS_PER_MICRO,
    durationNanos: micros * NANOS_PER_MICRO,
    sourceRoot: SOURCE_ROOT,
  });
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const spent = spentOf(profile);
  const walk = (id: number, callers: readonly Location[]) => {
    const node = nodes.get(id);
    if (!node || node.callFrame.functionName === "(idle)") return;
    const isRoot = node.callFrame.functionName === "(root)";
    const stack = isRoot ? callers : [builder.location(node.callFrame), ...callers];
    const { samples, micros } = spent.get(id) ?? { samples: 0, micros: 0 };
    if (samples > 0 && !isRoot) builder.addSample(stack, [samples, micros * NANOS_PER_MICRO]);
    for (const child of node.children ?? []) walk(child, stack);
  };
  walk(profile.nodes[0]?.id ?? 0, []);
  return await compressed(builder);
}

/** Samples of each node, and the time that passed with them on top. */
function spentOf({ samples = [], timeDeltas = [] }: Profiler.Profile) {
  const spent = new Map<number, { samples: number; micros: number }>();
  samples.forEach((id, index) => {
    const node = spent.get(id) ?? { samples: 0, micros: 0 };
    spent.set(id, node);
    node.samples++;
    // The delta is the time since the sample before, which was spent where that was taken.
    node.micros += Math.max(0, timeDeltas[index + 1] ?? 0);
  });
  return spent;
}

function periodOf({ samples = [] }: Profiler.Profile, micros: number): number {
  return Math.max(1, Math.round(micros / Math.max(1, samples.length)));
}

/** What is alive of the sampled allocations as gzipped pprof. */
export async function heapPprof(
  sampled: HeapProfiler.SamplingHeapProfile,
): Promise<Uint8Array<ArrayBuffer>> {
  const builder = new PprofBuilder({
    values: [["inuse_objects", "count"], ["inuse_space", "bytes"]],
    periodType: ["space", "bytes"],
    period: HEAP_INTERVAL_BYTES,
    durationNanos: 0,
    sourceRoot: SOURCE_ROOT,
  });
  const { head, samples } = sampled as unknown as HeapProfile;
  const objects = new Map<number, number>();
  for (const { nodeId, count } of samples) {
    objects.set(nodeId, (objects.get(nodeId) ?? 0) + count);
  }
  const walk = (node: HeapNode, callers: readonly Location[]) => {
    const isRoot = node.callFrame.functionName === "(root)";
    const stack = isRoot ? callers : [builder.location(node.callFrame), ...callers];
    if (node.selfSize > 0 && !isRoot) {
      builder.addSample(stack, [objects.get(node.id) ?? 0, node.selfSize]);
    }
    for (const child of node.children) walk(child, stack);
  };
  walk(head, []);
  return await compressed(builder);
}

async function compressed(builder: PprofBuilder): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await compress(builder.encode()));
}
