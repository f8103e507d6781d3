import type { Lab } from "../lab.ts";
import { generate, httpRequest, type Measured } from "../load/load.ts";
import type { Request } from "../load/report.ts";
import { openCartStandIns } from "./cart.ts";
import type { Loms } from "./loms.ts";
import type { LomsDatabase, Postgres } from "./postgres.ts";

/** Products of the stand-in; each round sells another. */
const SKUS = [773_297_411, 5_097_510, 139_275_865, 3_618_852, 2_956_315, 2_618_151, 1_148_162];
/** More buyers than units: each takes one, and these find none. */
const UNLUCKY = 200;
const ENOUGH_SECONDS = 120;

export interface Shop {
  /** Sells `stock` units to more buyers; returns purchases per second. */
  sellOut(stock: number, callers: number, round: number): Promise<number>;
}

/** A cart in front of loms, with the product stand-in in this process. */
export async function openShop(
  lab: Lab,
  postgres: Postgres,
  database: LomsDatabase,
  loms: Loms,
): Promise<Shop> {
  const standIns = await openCartStandIns(lab.opened);
  const cart = await standIns.start({ environment: { LOMS_GRPC_URL: loms.grpc } });
  return {
    async sellOut(stock, callers, round) {
      const sku = SKUS[round % SKUS.length] as number;
      await database.run(
        `insert into stocks (sku, total_count, reserved) values (${sku}, ${stock}, 0)
        on conflict (sku) do update set total_count = ${stock}, reserved = 0`,
      );
      const send = (address: string, requests: readonly Request[]) =>
        generate({
          ...{ protocol: "http", addresses: [address], requests, callers, keep: true },
          ...{ limit: requests.length, warm_up_seconds: 0, seconds: ENOUGH_SECONDS },
        }, [cart, loms, ...postgres.parts]);
      // Buyers of a round have no cart of an earlier one.
      const buyers = Array.from({ length: stock + UNLUCKY }, (_, index) => (
        1 + round * 1_000_000 + index
      ));
      const adds = await send(
        cart.http,
        buyers.map((user) => httpRequest("POST", `/user/${user}/cart/${sku}`, { count: 1 })),
      );
      const checkouts = await send(
        cart.http,
        buyers.map((user) => httpRequest("POST", `/user/${user}/cart/checkout`)),
      );
      const orders = Object.values(checkouts.answers)
        .flatMap((answer) => /^ok .*"order_id":(\d+)/.exec(answer)?.[1] ?? []);
      const pays = await send(
        loms.http,
        orders.map((order) => httpRequest("POST", "/v1/order/pay", { orderID: Number(order) })),
      );
      const left = await database.stockOf(sku);
      lab.promise(
        adds.calls === buyers.length && orders.length === stock && pays.calls === stock &&
          new Set(orders).size === stock && left.totalCount === 0 && left.reserved === 0,
        `of ${stock} units ${orders.length} were ordered and ${pays.calls} payed, ` +
          `${left.totalCount} are left and ${left.reserved} reserved`,
      );
      const steps: [string, Measured][] = [["add", adds], ["checkout", checkouts], ["pay", pays]];
      for (const [name, measured] of steps) lab.subject(`${name}, round ${round + 1}`, [measured]);
      const seconds = steps.reduce((sum, [, measured]) => sum + measured.seconds, 0);
      lab.say(`whole purchases: ${Math.round(stock / seconds)}/s`);
      return stock / seconds;
    },
  };
}
