import { open } from "node:fs/promises";
import { systemClock } from "../../shared/async/clock.ts";
import { sleep } from "../../shared/async/sleep.ts";
import { type PrintedNotification, readNotificationLine } from "../notification-line.ts";

/** Too short for a person to notice; a poll is one read. */
const POLL_MS = 100;
/** Of the log, read at a time. */
const CHUNK_BYTES = 64 * 1024;

/**
 * Reports each notification that the notifier logs from now on, until `stop` aborts.
 */
export async function followNotifications(
  path: string,
  tell: (notification: PrintedNotification) => void,
  stop: AbortSignal,
): Promise<void> {
  const file = await open(path, "r");
  try {
    let { size: position } = await file.stat();
    const decoder = new TextDecoder();
    let unfinished = "";
    while (!stop.aborted) {
      const { bytesRead, buffer } = await file.read({
        buffer: new Uint8Array(CHUNK_BYTES),
        position,
      });
      position += bytesRead;
      unfinished += decoder.decode(buffer.subarray(0, bytesRead), { stream: true });
      const lines = unfinished.split("\n");
      unfinished = lines.pop() ?? "";
      for (const line of lines) {
        const notification = readNotificationLine(line);
        if (notification) tell(notification);
      }
      if (bytesRead === 0) await sleep(systemClock, POLL_MS, stop).catch(() => {});
    }
  } finally {
    await file.close();
  }
}
