import { v7 as uuidV7 } from "uuid";
import { expect, test, vi } from "vitest";

// Jobs of one statement have the same time, so their ids keep them in order.
test("ids of version 7 ascend, within a millisecond and when the clock steps back", () => {
  const clock = vi.spyOn(Date, "now");
  try {
    const ids: string[] = [];
    for (const now of [1_800_000_000_000, 1_800_000_000_001, 1_799_999_995_000]) {
      clock.mockReturnValue(now);
      for (let each = 0; each < 10_000; each++) ids.push(uuidV7());
    }
    expect(ids).toEqual(ids.toSorted());
    expect(new Set(ids).size).toBe(30_000);
  } finally {
    clock.mockRestore();
  }
});
