import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { eventually } from "../eventually.ts";
import { Load } from "./load.ts";
import { type PatroniCluster, startPatroniCluster } from "./patroni-cluster.ts";
import type { PatroniMember } from "./patroni-member.ts";
import { type ShopOnPatroni, startShopOn } from "./shop-on-patroni.ts";

const programs = inject("machines");

const CONTINUES_MAX_MS = 60_000;

interface Accident {
  readonly name: string;
  happen(primary: PatroniMember): unknown;
  end(primary: PatroniMember): unknown;
}

const ACCIDENTS: readonly Accident[] = [
  {
    name: "killed",
    happen: (primary) => primary.kill(),
    end: (primary) => primary.restart(),
  },
  {
    name: "frozen",
    happen: (primary) => primary.pause(),
    end: (primary) => primary.resume(),
  },
  {
    // Clients still reach it, and it accepts their statements until it steps down.
    name: "cut off from etcd, the standbys and HAProxy's checks",
    happen: (primary) => primary.cut(),
    end: (primary) => primary.heal(),
  },
  {
    name: "cut off, with a Patroni that does not make it step down",
    happen(primary) {
      primary.cut();
      primary.pausePatroni();
    },
    end(primary) {
      primary.heal();
      primary.resume();
    },
  },
];

describe.skipIf(!programs)("a primary that is lost under load", () => {
  let cluster: PatroniCluster;
  let shop: ShopOnPatroni;

  beforeAll(async () => {
    if (!programs) return;
    cluster = await startPatroniCluster(programs, ["loms", "bus", "notifier"]);
    shop = await startShopOn(cluster);
  });
  beforeEach(() => cluster.whole());
  afterAll(async () => {
    await shop?.close();
    await cluster?.close();
  });

  test.for(ACCIDENTS)("$name: no order is lost or duplicated", async (accident, { task }) => {
    const load = new Load(shop.transports);
    await load.continues(CONTINUES_MAX_MS);
    const primary = await cluster.withRole("leader");
    await accident.happen(primary);
    await eventually(async () => {
      expect(await cluster.withRole("leader")).not.toBe(primary);
    }, CONTINUES_MAX_MS);
    await load.continues(CONTINUES_MAX_MS);
    await accident.end(primary);
    await cluster.whole();
    await load.continues(CONTINUES_MAX_MS);

    await shop.expectNothingLost(await load.stop());
    // Not asserted: pg_rewind and other tests on the same machine may take seconds of it.
    task.meta.figures = `${accident.name}: no write for ${load.longestPauseS.toFixed(1)} s`;
  });
});
