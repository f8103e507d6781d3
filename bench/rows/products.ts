import type { Bench, Goal, Lab } from "../lab.ts";
import { generate, httpRequest, type Measured } from "../load/load.ts";
import { openCartStandIns } from "../subjects/cart.ts";

const LISTS = 300;
const LINES = 12;
const CALLERS = 32;
/** The products of the stand-in; see section 3 of the contract. */
const SKUS = [
  ...[1_076_963, 1_148_162, 2_618_151, 2_956_315, 2_958_025, 773_297_411, 3_618_852, 139_275_865],
  ...[5_097_510, 1_625_903, 3_596_599, 4_288_068, 4_465_995, 30_816_475, 135_717_466, 135_937_324],
  ...[139_819_069, 139_818_428, 1002, 1003, 1004, 1005],
];
const CALLS_IN_A_SECOND_MAX = 10;
const CALLS_PER_SKU_MAX = 1.05;
const ENOUGH_SECONDS = 60;

const goalOf = (what: string): Goal => ({
  bench: "B7",
  what: `product calls of ${LISTS} lists of ${LINES} SKUs, ${what}`,
  reference: `${SKUS.length} SKUs`,
  atMost: CALLS_PER_SKU_MAX,
  unit: "x",
});
const COLD = goalOf("cold");
const WARM = goalOf("warm");
const LIMIT: Goal = {
  ...{ bench: "B7", what: "most product calls in any second", unit: "calls" },
  atMost: CALLS_IN_A_SECOND_MAX,
};

export const PRODUCTS: Bench = {
  name: "B7",
  title: "calls of the product service",
  goals: [COLD, WARM, LIMIT],
  run,
};

interface Stats {
  readonly calls: { readonly get_product: number; readonly list_skus: number };
  readonly max_in_any_second: number;
}

/** Cold is a new cart process: every round fills the carts, which calls for each product. */
async function run(lab: Lab): Promise<void> {
  const standIns = await openCartStandIns(lab.opened);
  const products = `${standIns.productUrl}/stats`;
  const readStats = async () => await (await fetch(products)).json() as Stats;
  const found = { cold: [] as number[], warm: [] as number[], limit: [] as number[] };
  const reports: Measured[] = [];
  for (let round = 0; round < lab.rounds; round++) {
    await fetch(products, { method: "DELETE" });
    const cart = await standIns.start();
    const send = (requests: ReturnType<typeof adds>) =>
      generate({
        ...{ protocol: "http", addresses: [cart.http], requests },
        ...{ callers: CALLERS, limit: requests.length, warm_up_seconds: 0 },
        seconds: ENOUGH_SECONDS,
      }, [cart]);
    const lists = Array.from({ length: LISTS }, (_, user) => (
      httpRequest("GET", `/user/${user + 1}/cart/list`)
    ));
    const filled = await send(adds());
    const cold = await send(lists);
    const coldCalls = callsOf(await readStats());
    const warm = await send(lists);
    const stats = await readStats();
    await cart.stop();
    const failed = [filled, cold, warm].flatMap(({ failed }) => Object.entries(failed));
    lab.promise(failed.length === 0, `cart refused calls: ${JSON.stringify(failed)}`);
    lab.promise(
      stats.max_in_any_second <= CALLS_IN_A_SECOND_MAX,
      `${stats.max_in_any_second} calls of the product service in one second`,
    );
    found.cold.push(coldCalls / SKUS.length);
    found.warm.push((callsOf(stats) - coldCalls) / SKUS.length);
    found.limit.push(stats.max_in_any_second);
    reports.push(warm);
  }
  lab.record(COLD, found.cold);
  lab.record(WARM, found.warm);
  lab.record(LIMIT, found.limit);
  lab.subject("cart's list, warm", reports);
}

function callsOf({ calls }: Stats): number {
  return calls.get_product + calls.list_skus;
}

/** One add for each line of each list; all SKUs occur. */
function adds() {
  return Array.from({ length: LISTS * LINES }, (_, index) => {
    const user = index % LISTS;
    const sku = SKUS[(user + Math.floor(index / LISTS)) % SKUS.length];
    return httpRequest("POST", `/user/${user + 1}/cart/${sku}`, { count: 1 });
  });
}
