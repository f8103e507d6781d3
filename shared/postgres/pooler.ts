import { openClient } from "./open-client.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Two connections that are never used concurrently are soon served by one session. */
const ROUNDS = 4;

/**
 * Whether a pooler assigns sessions per transaction. Without a pooler, the session that answers is
 * the one of the login. Behind one, two open connections are served by one session, or one
 * connection by two; a very busy pooler may not show it. Leaves nothing in a session. Rejects as
 * the driver does.
 */
export async function sharesSessions(url: string): Promise<boolean> {
  const [first, second] = [openSession(url), openSession(url)];
  try {
    const { own, pid } = await first.query();
    if (own === pid) return false;
    const seen = { first: new Set([pid]), second: new Set<number>() };
    for (let round = 0; round < ROUNDS; round++) {
      seen.second.add((await second.query()).pid);
      seen.first.add((await first.query()).pid);
    }
    const { size } = seen.first.union(seen.second);
    return size < 2 || seen.first.size > 1 || seen.second.size > 1;
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

/** A connection, with the session of its login (`own`) and the session that answers. */
function openSession(url: string) {
  const where = { url, applicationName: "session", connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const client = openClient(where, { max: 1, max_lifetime: null, idle_timeout: 0 });
  return {
    async query(): Promise<{ readonly own: number; readonly pid: number }> {
      const rows = await client.unsafe<{ pid: number }[]>("select pg_backend_pid() as pid");
      return { own: rows.state.pid, pid: rows[0]?.pid ?? 0 };
    },
    close: () => client.end({ timeout: 0 }),
  };
}
