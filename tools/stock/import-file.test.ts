import { expect, test, vi } from "vitest";
import type { StockApi } from "../clients/gen/stock/sdk.gen.ts";
import { UsageError } from "../tool.ts";
import { ImportError, importLines } from "./import-file.ts";

interface Sent {
  readonly lines: readonly { readonly sku: bigint; readonly total_count: bigint }[];
  readonly reference: string;
}

const rows = (count: number) =>
  Array.from({ length: count }, (_, index) => ({ sku: index + 1, total_count: 7n }));

/** A stock API that fails from call number `failAt` on. */
function setUp(failAt = Infinity) {
  const sent: Sent[] = [];
  const progress: number[] = [];
  const stockCount = vi.fn(({ body }: { body: Sent }) => {
    if (sent.length + 1 >= failAt) return Promise.reject(new Error("unavailable"));
    sent.push(body);
    return Promise.resolve({});
  });
  const api = { stockCount } as unknown as Pick<StockApi, "stockCount">;
  const send = (count: number, reference = "R") =>
    importLines(api, rows(count), {
      ...{ reference, reason: "count" },
      onProgress: (lines) => progress.push(lines),
    });
  return { sent, progress, send };
}

test("importLines() sends a thousand lines a call, each with its own reference", async () => {
  const { sent, send } = setUp();
  expect(await send(2_001)).toBe(3);
  expect(sent.map(({ lines, reference }) => [reference, lines.length, lines[0]])).toEqual([
    ["R#1", 1_000, { sku: 1n, total_count: 7n }],
    ["R#2", 1_000, { sku: 1_001n, total_count: 7n }],
    ["R#3", 1, { sku: 2_001n, total_count: 7n }],
  ]);
});

test("importLines() reports progress of long files", async () => {
  const { progress, send } = setUp();
  await send(25_000);
  expect(progress).toEqual([10_000, 20_000]);
});

test("importLines() stops at the first call that fails, and names it", async () => {
  const { sent, send } = setUp(2);
  const failure = await send(3_000).catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(ImportError);
  expect(failure).toMatchObject({
    message: "rows 1001 to 2000, reference R#2: not set",
    cause: new Error("unavailable"),
  });
  expect(sent).toHaveLength(1);
});

test("importLines() refuses a reference that would become too long", async () => {
  const { sent, send } = setUp();
  await expect(send(10_000, "R".repeat(253))).rejects.toThrow(UsageError);
  await send(9_000, "R".repeat(253));
  expect(sent).toHaveLength(9);
});
