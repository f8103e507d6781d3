import { AppError } from "../errors.ts";
import { sharesSessions } from "../postgres/pooler.ts";

/**
 * The embedded bus listens for notifications, which belong to a session.
 * @throws {AppError} `failed_precondition` behind a pooler in transaction mode
 */
export async function assertOwnSession(url: string): Promise<void> {
  if (!await sharesSessions(url)) return;
  throw new AppError(
    "failed_precondition",
    "BUS_DATABASE_URL leads to a pooler in transaction mode, and the embedded bus needs LISTEN: " +
      "give it the server's own address, or a pool in session mode, or use KAFKA_BROKERS",
  );
}
