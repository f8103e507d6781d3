import postgres from "postgres";
import { expect } from "vitest";
import { eventually } from "./eventually.ts";
import { openDatabase } from "./invariants/snapshot.ts";

/** Locks that stop a process between two of its steps. */
export interface Hold {
  /** Waits until a statement that contains `words` waits for these locks. */
  blocks(words: string): Promise<void>;
  /** Releases the locks; waiting statements continue, also those of disconnected clients. */
  release(): Promise<void>;
  /** Cancels the waiting statements and releases the locks. */
  endWaiting(): Promise<void>;
}

/** Takes the locks of `statement`. */
export async function hold(url: string, statement: string): Promise<Hold> {
  const holder = openDatabase(url);
  const observer: postgres.Sql = openDatabase(url);
  const [own] = await holder<{ pid: number }[]>`select pg_backend_pid() as pid`;
  const pid = own?.pid ?? 0;
  let letGo = () => {};
  const released = new Promise<void>((resolve) => letGo = resolve);
  let ended: Promise<void> = Promise.resolve();
  await new Promise<void>((locked, failed) => {
    ended = holder.begin(async (transaction) => {
      // Its end waits for no replica, which a test may have frozen.
      await transaction`set local synchronous_commit = local`;
      await transaction.unsafe(statement);
      locked();
      await released;
    }).then(() => {}, failed);
  });
  async function release(): Promise<void> {
    letGo();
    await ended;
    await Promise.all([holder.end({ timeout: 0 }), observer.end({ timeout: 0 })]);
  }
  return {
    blocks: (words) =>
      eventually(async () => {
        const waiting = await observer`
          select from pg_stat_activity
          where ${pid}::int = any (pg_blocking_pids(pid)) and query like ${`%${words}%`}`;
        expect(waiting.length, `${words} waits`).toBeGreaterThan(0);
      }),
    release,
    async endWaiting() {
      // A second statement for the same row waits for the first one.
      await observer`
        with recursive waiting (pid) as (
          select ${pid}::int
          union
          select activity.pid from pg_stat_activity activity
          join waiting on waiting.pid = any (pg_blocking_pids(activity.pid))
        )
        select pg_terminate_backend(pid) from waiting where pid <> ${pid}::int`;
      await release();
    },
  };
}
