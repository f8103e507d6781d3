import { sleep } from "../../shared/async/sleep.ts";
import { systemClock } from "../../shared/async/clock.ts";

/** Enough to keep a service busy on a processor of its own. */
const AT_ONCE = 32;
/** After a process was frozen, its timers and caches have their turn first. */
const WARM_UP_MS = 150;

/** Does one thing after another, `AT_ONCE` of them side by side, for so long; tells how many. */
export async function loadFor(durationMs: number, doOne: () => Promise<void>): Promise<number> {
  let isOver = false;
  let done = 0;
  const workers = Array.from({ length: AT_ONCE }, async () => {
    while (!isOver) {
      await doOne();
      done++;
    }
  });
  await Promise.race([sleep(systemClock, durationMs), ...workers]);
  isOver = true;
  await Promise.all(workers);
  return done;
}

export async function warmUp(doOne: () => Promise<void>): Promise<void> {
  await loadFor(WARM_UP_MS, doOne);
}
