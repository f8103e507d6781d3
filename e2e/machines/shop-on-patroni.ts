import type { Stack } from "../../stack/start.ts";
import { type Beside, startBeside } from "../beside.ts";
import { expectInvariants, startOwnStack, subjectOf } from "../own-stack.ts";
import { type Shop, shopAt } from "../shop.ts";
import type { Ordered } from "../retrying-buyer.ts";
import type { PatroniCluster } from "./patroni-cluster.ts";

/** The services on a cluster, with two processes of loms. */
export interface ShopOnPatroni {
  /** The same shop through each loms. */
  readonly transports: readonly [Shop, Shop];
  /** Checks that every payed order is on each running member, and every invariant. */
  expectNothingLost(payed: readonly Ordered[]): Promise<void>;
  /** Fails if a process has ended without being stopped. */
  close(): Promise<void>;
}

export async function startShopOn(cluster: PatroniCluster): Promise<ShopOnPatroni> {
  const environment = {
    DATABASE_URL: cluster.primaryUrl("loms"),
    DATABASE_REPLICA_URLS: cluster.memberUrls("loms").join(","),
    SYNC_REPLICA_POLICY: "managed",
    BUS_DATABASE_URL: cluster.primaryUrl("bus"),
    NOTIFIER_DATABASE_URL: cluster.primaryUrl("notifier"),
  };
  const ended: string[] = [];
  const stack: Stack = await startOwnStack({
    environment,
    onEnd: (part, ending) => ended.push(`${part}: ${ending}`),
  }, { replicaUrls: [], failedOver: true });
  const second: Beside = await startBeside("loms", stack, environment);
  void second.process.ended.then((ending) => ended.push(`the second loms: ${ending}`));
  return {
    transports: [shopAt(stack), shopAt({ urls: { ...stack.urls, loms: second.url } })],
    async expectNothingLost(payed) {
      if (ended.length > 0) throw new Error(`Ended unexpectedly: ${ended.join(", ")}`);
      await expectInvariants({
        ...subjectOf(stack),
        failedOver: true,
        replicaUrls: await cluster.standbyUrls("loms"),
        acknowledged: payed.map(({ user, key, order }) => ({
          orderId: BigInt(order),
          userId: BigInt(user),
          key,
          status: "payed",
        })),
      });
    },
    async close() {
      await second.close();
      await stack.close();
    },
  };
}
