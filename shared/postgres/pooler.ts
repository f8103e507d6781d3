import { openClient } from "./open-client.ts";

const CONNECT_TIMEOUT_MS = 5_000;
/** Connections that are never used at the same time are soon answered by one session. */
const ROUNDS = 4;

/**
 * Whether a pooler lends sessions by the transaction. Without a pooler the session that answers is
 * the one that has let us in. Behind one, two connections that are both open are answered by one
 * session, or one connection is by two; a pooler that is very busy may not show it. Nothing is left
 * in a session. Rejects as the driver does.
 */
export async function sharesSessions(url: string): Promise<boolean> {
  const [first, second] = [openSession(url), openSession(url)];
  try {
    const { own, pid } = await first.ask();
    if (own === pid) return false;
    const seen = { first: new Set([pid]), second: new Set<number>() };
    for (let round = 0; round < ROUNDS; round++) {
      seen.second.add((await second.ask()).pid);
      seen.first.add((await first.ask()).pid);
    }
    const { size } = seen.first.union(seen.second);
    return size < 2 || seen.first.size > 1 || seen.second.size > 1;
  } finally {
    await Promise.all([first.close(), second.close()]);
  }
}

/** One connection, which says which session let it in (`own`), and which one answers. */
function openSession(url: string) {
  const where = { url, applicationName: "session", connectTimeoutMs: CONNECT_TIMEOUT_MS };
  const client = openClient(where, { max: 1, max_lifetime: null, idle_timeout: 0 });
  return {
    async ask(): Promise<{ readonly own: number; readonly pid: number }> {
      const rows = await client.unsafe<{ pid: number }[]>("select pg_backend_pid() as pid");
      return { own: rows.state.pid, pid: rows[0]?.pid ?? 0 };
    },
    close: () => client.end({ timeout: 0 }),
  };
}
