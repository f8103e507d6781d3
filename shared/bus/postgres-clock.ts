import type { Clock as BossClock, PgBoss } from "pg-boss";

// pg-boss stores timestamps of the server's clock and compares them with it later. After that clock
// has stepped back, earlier timestamps are in the future: waiting jobs are fetched only once the
// clock has caught up, and after jobs published meanwhile; the claim of a dead member does not
// expire; maintenance pauses. So timestamps in the future are moved to the present: those of
// waiting jobs before each publish, and all of them every second.

/** A clock for pg-boss's own timers that never steps back. */
export const MONOTONIC_CLOCK: BossClock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (fire, ms) => setTimeout(fire, ms),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
  setInterval: (fire, ms) => setInterval(fire, ms),
  clearInterval: (handle) => clearInterval(handle as NodeJS.Timeout),
};

/** Retries are delayed by 5 s at most; a later one was scheduled before a step back. */
const RETRY_MAX = "interval '6 seconds'";

/**
 * Whether the newest job of queue $1 is in the future. The clock is read after the snapshot was
 * taken, so no visible row is newer. An index finds the job, however many wait.
 */
const NEWEST_IS_AHEAD = `select
    coalesce((select max(created_on) from pgboss.job where name = $1) > clock_timestamp(), false)`;
/**
 * The part that a publish depends on, because pg-boss orders the jobs of a key by their creation.
 */
export const NEWEST_JOB = `${NEWEST_IS_AHEAD} as ahead`;
/** Adds the other timestamps of the queue, in subqueries, so that an index finds the rows. */
const IS_AHEAD = `${NEWEST_IS_AHEAD}
    or exists (
      select from pgboss.job
      where name = $1 and state in ('created', 'retry') and not blocked
        and start_after > (select clock_timestamp() + ${RETRY_MAX})
    ) or exists (
      select from pgboss.job
      where name = $1 and state = 'active' and not blocked
        and heartbeat_on > (select clock_timestamp())
    ) or exists (
      select from pgboss.queue
      where name = $1 and greatest(monitor_claim_on, monitor_on) > clock_timestamp()
    ) as ahead`;
/** Adds whether a job's member is silent, which reads every job in progress. */
const QUEUE_STATE = `${IS_AHEAD},
    exists (
      select from pgboss.job
      where name = $1 and state = 'active' and not blocked
        and heartbeat_on + heartbeat_seconds * interval '1 s' < (select clock_timestamp())
    ) as silent`;

/**
 * Moves queue $1 to the present. All its jobs move by the same interval, which keeps their order.
 * Two concurrent processes may move some jobs twice, which keeps the order too: jobs of later
 * publishes are not among them.
 */
const MOVE_BACK = `with moment as materialized (
      select clock_timestamp() as present
      from (select pg_advisory_xact_lock(hashtext('marketplace_bus_clock'))) locked
    ), ahead as materialized (
      select present, greatest(
        (select max(created_on) from pgboss.job where name = $1) - present, interval '0'
      ) as by
      from moment
    ), upkeep as (
      update pgboss.queue queue
      set monitor_claim_on = least(queue.monitor_claim_on, present),
        monitor_on = least(queue.monitor_on, present)
      from ahead where queue.name = $1
    )
    update pgboss.job job
    set created_on = job.created_on - by,
      start_after = least(job.start_after, present),
      heartbeat_on = least(job.heartbeat_on, present)
    from ahead where job.name = $1 and (
      by > interval '0'
      or job.start_after > present + ${RETRY_MAX}
      or job.heartbeat_on > present
    )`;

export interface QueueState {
  /** There were timestamps in the server's future. */
  readonly ahead: boolean;
  /** The member that claimed a job has sent no heartbeat in time. */
  readonly silent: boolean;
}

/** Checks a queue, and moves its timestamps in the server's future to the present. */
export function checkQueue(boss: PgBoss, queue: string): Promise<QueueState> {
  return moveBackIfAhead<QueueState>(QUEUE_STATE, boss, queue);
}

/** Moves a queue to the present if a job in it was created in the server's future. */
export async function followClockBack(boss: PgBoss, queue: string): Promise<void> {
  await moveBackIfAhead(NEWEST_JOB, boss, queue);
}

async function moveBackIfAhead<State extends Pick<QueueState, "ahead">>(
  statement: string,
  boss: PgBoss,
  queue: string,
): Promise<State> {
  const database = boss.getDb();
  const { rows } = await database.executeSql(statement, [queue]);
  const seen = rows[0] as State;
  if (seen.ahead) await database.executeSql(MOVE_BACK, [queue]);
  return seen;
}
