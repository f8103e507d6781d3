import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type postgres from "postgres";
import { openWriterFixture, testContext } from "../../loms/repository/writer-fixture.ts";
import { childTraceparent } from "../../shared/telemetry/tracing.ts";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import type { AcknowledgedOrder } from "./acknowledged.ts";
import type { Finding } from "./finding.ts";
import { openDatabase, type Snapshot } from "./snapshot.ts";

export const SKU = 1_625_903;
/** The shop's one change of stock: 5 of the SKU, and 1 of 1002. */
export const REFERENCE = "note 1";
/** It has no stock left. */
const SHORT_SKU = 139_819_069;
const PRICE = 100;
const USER = 7n;
/** The shop has one order of each, in this order: they are orders 1 to 4. */
export const STATUSES = ["awaiting payment", "payed", "cancelled", "failed"] as const;

/** For tests: a small consistent shop, and checks of it with violations. */
export interface ShopFixture {
  readonly database: TestDatabase;
  readonly sql: postgres.Sql;
  readonly acknowledged: readonly AcknowledgedOrder[];
  /** The findings of a rule in the database with changes that are never committed. */
  planted(
    check: (snapshot: Snapshot) => Promise<Finding>,
    ...statements: string[]
  ): Promise<Finding>;
  /** A file of these lines, objects as JSON; returns its path. */
  logOf(lines: readonly (object | string)[]): string;
  close(): Promise<void>;
}

class RollBack extends Error {}

export async function openShopFixture(): Promise<ShopFixture> {
  const directory = mkdtempSync(join(tmpdir(), "invariants-"));
  const database = await testDatabase("loms");
  const sql = openDatabase(database.primaryUrl);
  const acknowledged = await fillShop(database.primaryUrl);
  await sql`update outbox set published_at = clock_timestamp()`;
  await sql`update stock_outbox set published_at = clock_timestamp()`;
  return {
    database,
    sql,
    acknowledged,
    async planted(check, ...statements) {
      let finding: Finding | undefined;
      await sql.begin(async (changed) => {
        for (const statement of statements) await changed.unsafe(statement);
        finding = await check(changed);
        throw new RollBack();
      }).catch((error: unknown) => {
        if (!(error instanceof RollBack)) throw error;
      });
      return finding as Finding;
    },
    logOf(lines) {
      const path = join(directory, `${crypto.randomUUID()}.log`);
      const texts = lines.map((each) => typeof each === "string" ? each : JSON.stringify(each));
      writeFileSync(path, texts.map((text) => `${text}\n`).join(""));
      return path;
    },
    async close() {
      await sql.end();
      await database.drop();
      rmSync(directory, { recursive: true });
    },
  };
}

async function fillShop(url: string): Promise<AcknowledgedOrder[]> {
  const { pool, writer, stockWriter, create } = openWriterFixture(url);
  await stockWriter.stockChange({
    ...{ kind: "received", lines: [{ sku: SKU, count: 5n }, { sku: 1002, count: 1n }] },
    ...{ reason: "delivery", reference: REFERENCE },
  }, testContext());
  const acknowledged: AcknowledgedOrder[] = [];
  for (const [index, status] of STATUSES.entries()) {
    const items = [{ sku: status === "failed" ? SHORT_SKU : SKU, count: index + 1, price: PRICE }];
    const key = `key "${index}"`;
    const [outcome] = await create(items, key);
    if (outcome?.kind !== (status === "failed" ? "short" : "created")) {
      throw new Error(`Order ${index + 1} is ${outcome?.kind}`);
    }
    const orderId = BigInt(index + 1);
    const change = [{ orderId, traceparent: childTraceparent(undefined) }];
    if (status === "payed") await writer.orderPay(change, testContext());
    if (status === "cancelled") await writer.orderCancel(change, testContext());
    const totalPrice = BigInt((index + 1) * PRICE);
    acknowledged.push({ orderId, userId: USER, key, items, totalPrice, status });
  }
  await pool.close();
  return acknowledged;
}

export const STARTED = { timestamp: "2020-01-01T00:00:00.000Z", message: "notifier is listening" };

/** A notification as it is printed. */
export function notification(orderId: number, seq: number, status: string, ms = 0) {
  const timestamp = `2099-01-01T00:00:00.${String(ms).padStart(3, "0")}Z`;
  return { timestamp, order_id: orderId, user_id: Number(USER), seq, status };
}

/** Every notification of the shop. */
export const ALL_SHOWN = STATUSES.flatMap((status, index) => {
  const made = status === "failed" ? "failed" : "awaiting payment";
  const lines = [notification(index + 1, 1, "new"), notification(index + 1, 2, made)];
  return made === status ? lines : [...lines, notification(index + 1, 3, status)];
});
