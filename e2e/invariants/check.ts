import type postgres from "postgres";
import { type AcknowledgedOrder, checkAcknowledged, checkAnswered } from "./acknowledged.ts";
import { type AcknowledgedChange, checkAcknowledgedChanges } from "./acknowledged-changes.ts";
import { checkDeadlines } from "./deadlines.ts";
import type { Finding } from "./finding.ts";
import { checkKeys } from "./keys.ts";
import { checkNotifications } from "./notifications.ts";
import { checkOutbox } from "./outbox.ts";
import { checkPaths } from "./paths.ts";
import { checkProductCalls } from "./product-calls.ts";
import { checkReplica, positionOf, waitForReplay } from "./replicas.ts";
import { checkRows } from "./rows.ts";
import { waitUntilSettled } from "./settle.ts";
import { inSnapshot, openDatabase, type Snapshot } from "./snapshot.ts";
import { checkStockOutbox } from "./stock-outbox.ts";
import { checkStock, checkStockChanges } from "./stock.ts";

/** The system to check. */
export interface Subject {
  /** loms' database on the primary; the user must be able to read everything. */
  readonly primaryUrl: string;
  readonly replicaUrls: readonly string[];
  /** What was acknowledged to callers, if it was recorded. */
  readonly acknowledged?: readonly AcknowledgedOrder[];
  /** The same for changes of stock. */
  readonly acknowledgedChanges?: readonly AcknowledgedChange[];
  /** The logs of the notifiers, the longest running first. */
  readonly notifierLogs?: readonly string[];
  /** Whether a failover may have lost commits that wait for no replica, such as shown events. */
  readonly failedOver?: boolean;
  /** The stand-in, which counts the calls of each client. */
  readonly productsUrl?: string | undefined;
}

/**
 * Checks all invariants. The database is read in one snapshot, so orders may continue meanwhile.
 * @throws {Error} if the primary cannot be read
 */
export async function checkInvariants(subject: Subject): Promise<Finding[]> {
  const database = openDatabase(subject.primaryUrl);
  try {
    await waitUntilSettled(database);
    const findings = await inSnapshot(database, (snapshot) => check(snapshot, subject));
    if (subject.productsUrl) findings.push(await checkProductCalls(subject.productsUrl));
    return findings;
  } finally {
    await database.end({ timeout: 0 });
  }
}

async function check(snapshot: Snapshot, subject: Subject): Promise<Finding[]> {
  const { acknowledged, acknowledgedChanges, notifierLogs = [], replicaUrls } = subject;
  const findings: Finding[] = [];
  const rules = [
    ...[checkStock, checkStockChanges, checkPaths, checkRows],
    ...[checkDeadlines, checkOutbox, checkStockOutbox, checkKeys],
  ];
  for (const check of rules) findings.push(await check(snapshot));
  if (acknowledged) {
    findings.push(checkAnswered(acknowledged));
    findings.push(await checkAcknowledged("the primary", snapshot, acknowledged));
  }
  if (acknowledgedChanges) {
    findings.push(await checkAcknowledgedChanges("the primary", snapshot, acknowledgedChanges));
  }
  const position = await positionOf(snapshot);
  for (const [index, url] of replicaUrls.entries()) {
    const name = `replica ${index + 1}`;
    findings.push(...await inspectReplica({ name, url, position }, snapshot, subject));
  }
  if (notifierLogs.length > 0) {
    findings.push(await checkNotifications(snapshot, notifierLogs, subject.failedOver));
  }
  return findings;
}

interface ReplicaAt {
  readonly name: string;
  readonly url: string;
  /** The position of the snapshot in the primary's log. */
  readonly position: string;
}

async function inspectReplica(
  { name, url, position }: ReplicaAt,
  snapshot: Snapshot,
  { acknowledged, acknowledgedChanges: changes }: Subject,
): Promise<Finding[]> {
  const replica: postgres.Sql = openDatabase(url);
  try {
    await waitForReplay(replica, position);
    const findings = [await checkReplica(name, snapshot, replica)];
    if (acknowledged) findings.push(await checkAcknowledged(name, replica, acknowledged));
    if (changes) findings.push(await checkAcknowledgedChanges(name, replica, changes));
    return findings;
  } catch (error) {
    const violation = `it cannot be read: ${(error as Error).message}`;
    return [{ invariant: `orders on ${name}`, checked: 0, of: "orders", violations: [violation] }];
  } finally {
    await replica.end({ timeout: 0 });
  }
}
