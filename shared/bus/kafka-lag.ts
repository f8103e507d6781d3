import type { Admin } from "kafkajs";

/** What a partition's committed offset is before the first commit. */
const NONE = -1n;

/** How many messages of all partitions lie behind what the group has committed. */
export async function groupLag(admin: Admin, topic: string, groupId: string): Promise<number> {
  const [extents, committed] = await Promise.all([
    admin.fetchTopicOffsets(topic),
    admin.fetchOffsets({ groupId, topics: [topic] }),
  ]);
  const offsets = new Map(
    committed.flatMap(({ partitions }) =>
      partitions.map(({ partition, offset }): [number, bigint] => [partition, BigInt(offset)])
    ),
  );
  let lag = 0n;
  for (const { partition, low, high } of extents) {
    const offset = offsets.get(partition) ?? NONE;
    const from = offset < BigInt(low) ? BigInt(low) : offset;
    if (BigInt(high) > from) lag += BigInt(high) - from;
  }
  return Number(lag);
}
