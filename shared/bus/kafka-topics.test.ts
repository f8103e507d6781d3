import { expect, test, vi } from "vitest";
import { VirtualClock } from "../async/test/virtual-clock.ts";
import { onceKnown } from "./kafka-topics.ts";

const unknown = () => Object.assign(new Error("not here"), { type: "UNKNOWN_TOPIC_OR_PARTITION" });

test("work on a topic is repeated until the brokers have it", async () => {
  const clock = new VirtualClock();
  const work = vi.fn<() => Promise<string>>()
    .mockRejectedValueOnce(unknown()).mockRejectedValueOnce(unknown()).mockResolvedValue("done");
  const done = onceKnown(work, clock);
  await clock.advance(200);
  expect(await done).toBe("done");
  expect(work).toHaveBeenCalledTimes(3);
});

test("an unknown topic is reported after 10 s, and any other failure at once", async () => {
  const clock = new VirtualClock();
  const failed = expect(onceKnown(() => Promise.reject(unknown()), clock)).rejects.toThrow(
    "not here",
  );
  await clock.advance(10_100);
  await failed;
  const other = new Error("no permission");
  await expect(onceKnown(() => Promise.reject(other), clock)).rejects.toBe(other);
});
