import { expect, test } from "vitest";
import { VirtualClock } from "../../shared/async/test/virtual-clock.ts";
import type { StatementRunner } from "../../shared/postgres/statement.ts";
import { backgroundContext } from "../../shared/telemetry/tracing.ts";
import { ReplicatedWrites } from "./replicated-writes.ts";
import { EXPIRE_ORDERS } from "./statements.ts";

test("the standbys are read after a write, not after one that changed nothing", async () => {
  const clock = new VirtualClock();
  const sent: string[] = [];
  let rows: unknown[] = [];
  const pool = {
    run({ name }: { readonly name: string }) {
      sent.push(name);
      return Promise.resolve(name === "sync_standbys" ? [{ standbys: "other" }] : rows);
    },
  } as unknown as StatementRunner;
  const writes = new ReplicatedWrites({ synchronous: pool, local: pool, standbys: pool, clock });
  const expire = () =>
    writes.run(
      EXPIRE_ORDERS,
      [1, "", 1n],
      backgroundContext(1_000, clock),
      (all) => all.length > 0,
    );
  expect(await expire()).toEqual([]);
  expect(sent).toEqual(["expire_orders"]);
  rows = [{}];
  await expect(expire()).rejects.toMatchObject({ code: "unavailable" });
  expect(sent.slice(1)).toEqual(["expire_orders", "sync_standbys"]);
});
