import { describe, expect, test } from "vitest";
import { sleep } from "./request-context.ts";
import { TaskGroup } from "./task-group.ts";
import { VirtualClock } from "./test/virtual-clock.ts";

/** A task that takes `ms`, and records when it starts and how it ends. */
function noter(clock: VirtualClock) {
  const notes: string[] = [];
  const task =
    (name: string, ms: number, error?: Error) =>
    async ({ signal }: Pick<AbortController, "signal">) => {
      notes.push(`${name} starts at ${clock.now()}`);
      try {
        await sleep(clock, ms, signal);
      } catch (reason) {
        notes.push(`${name} aborted at ${clock.now()}`);
        throw reason;
      }
      if (error) throw error;
      notes.push(`${name} ends at ${clock.now()}`);
    };
  return { notes, task };
}

describe("TaskGroup", () => {
  test("wait() resolves once every task has", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const group = new TaskGroup();
    group.go(task("a", 20));
    group.go(task("b", 10));
    const waiting = group.wait();
    await clock.advance(20);
    await waiting;
    expect(notes).toEqual(["a starts at 0", "b starts at 0", "b ends at 10", "a ends at 20"]);
    expect(group.signal.aborted).toBe(false);
  });

  test("wait() resolves at once without tasks", async () => {
    await expect(new TaskGroup().wait()).resolves.toBeUndefined();
  });

  test("the first error aborts the others, and wait() then rejects with it", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const first = new Error("first");
    const group = new TaskGroup();
    group.go(task("slow", 100));
    group.go(task("failing", 10, first));
    group.go(async ({ signal }) => {
      await task("stubborn", 50)(new AbortController());
      if (signal.aborted) throw new Error("second");
    });
    const failure = group.wait().catch((error: unknown) => ({ error, at: clock.now() }));
    await clock.advance(100);
    expect(await failure).toEqual({ error: first, at: 50 });
    expect(group.signal.reason).toBe(first);
    expect(notes).toContain("slow aborted at 10");
    await expect(group.wait()).rejects.toBe(first);
  });

  test("a task that throws synchronously fails the group", async () => {
    const group = new TaskGroup();
    group.go(() => {
      throw new Error("at once");
    });
    await expect(group.wait()).rejects.toThrow("at once");
  });

  test("never more tasks run than the limit, and they start in order", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const group = new TaskGroup({ limit: 2 });
    for (const name of ["a", "b", "c", "d"]) group.go(task(name, 10));
    const waiting = group.wait();
    await clock.advance(20);
    await waiting;
    expect(notes.filter((note) => note.includes("starts")))
      .toEqual(["a starts at 0", "b starts at 0", "c starts at 10", "d starts at 10"]);
  });

  test("tryGo() takes a task only below the limit", async () => {
    const clock = new VirtualClock();
    const { task } = noter(clock);
    const group = new TaskGroup({ limit: 1 });
    expect(group.tryGo(task("a", 10))).toBe(true);
    expect(group.tryGo(task("b", 10))).toBe(false);
    await clock.advance(10);
    expect(group.tryGo(task("c", 10))).toBe(true);
  });

  test("queued tasks are not started once the group has failed", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const group = new TaskGroup({ limit: 1 });
    group.go(task("failing", 10, new Error("no")));
    group.go(task("queued", 10));
    const waiting = expect(group.wait()).rejects.toThrow("no");
    await clock.advance(30);
    await waiting;
    expect(notes).toEqual(["failing starts at 0"]);
  });

  test("the parent's abort reaches the tasks, and wait() rejects with its reason", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const parent = new AbortController();
    const group = new TaskGroup({ limit: 1, signal: parent.signal });
    group.go(task("a", 10));
    group.go(task("b", 10));
    const waiting = expect(group.wait()).rejects.toThrow("caller left");
    parent.abort(new Error("caller left"));
    await clock.advance(30);
    await waiting;
    expect(notes).toEqual(["a starts at 0", "a aborted at 0"]);
  });

  test("the parent's abort reaches a group only while it has tasks", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const parent = new AbortController();
    const group = new TaskGroup({ signal: parent.signal });
    group.go(task("a", 10));
    await clock.advance(10);
    group.go(task("b", 10));
    await clock.advance(10);
    await group.wait();
    parent.abort(new Error("caller left"));
    expect(group.signal.aborted).toBe(false);
    await group.wait();
    group.go(task("c", 10));
    await expect(group.wait()).rejects.toThrow("caller left");
    expect(notes.filter((note) => note.includes("starts")))
      .toEqual(["a starts at 0", "b starts at 10"]);
  });

  test("the parent's abort reaches a group that was idle in between", async () => {
    const clock = new VirtualClock();
    const { notes, task } = noter(clock);
    const parent = new AbortController();
    const group = new TaskGroup({ signal: parent.signal });
    group.go(task("a", 10));
    await clock.advance(10);
    group.go(task("b", 10));
    parent.abort(new Error("caller left"));
    await expect(group.wait()).rejects.toThrow("caller left");
    expect(notes).toContain("b aborted at 10");
  });

  test("the parent's abort before the first task starts none", async () => {
    const group = new TaskGroup({ signal: AbortSignal.abort(new Error("too late")) });
    let started = false;
    group.go(async () => {
      started = true;
    });
    await expect(group.wait()).rejects.toThrow("too late");
    expect(started).toBe(false);
  });

  test.each([0, -1, NaN])("refuses the limit %d", (limit) => {
    expect(() => new TaskGroup({ limit })).toThrow(RangeError);
  });
});
