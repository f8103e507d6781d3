import { lomsClient } from "./clients/clients.ts";
import { reach } from "./clients/reach.ts";
import { readMax, withLomsDatabase } from "./loms-database.ts";
import { listLatePayments, listOrders } from "./orders/commands.ts";
import { findStack, findUrls, type Outcome, runTool, UsageError, wholeNumber } from "./tool.ts";

const USAGE = `npm run orders -- late-payments [--max 1000]
                        orders with late payments, the newest try first
npm run orders -- list USER [--status STATUS …] [--max 1000]
                        the orders of a user, newest first
Both take --json.

Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; DATABASE_URL (late-payments) and LOMS_URL (list) name another one.
`;

await runTool({
  name: "orders",
  usage: () => USAGE,
  options: {
    json: { type: "boolean" },
    status: { type: "string", multiple: true },
    max: { type: "string" },
  },
  async run([name, ...words], { status = [], max }): Promise<Outcome> {
    if (name === "list" && words.length === 1) return await list(words[0], status, readMax(max));
    if (name !== "late-payments" || words.length + status.length > 0) {
      throw new UsageError(`use one of\n${USAGE}`);
    }
    const rows = readMax(max);
    return await withLomsDatabase("orders", (pool) => listLatePayments(pool, rows));
  },
});

async function list(user = "", statuses: readonly string[], max: number): Promise<Outcome> {
  const id = wholeNumber("USER", user, 1n);
  const [url = ""] = findUrls({ LOMS_URL: findStack()?.urls.loms });
  const loms = lomsClient(...reach(url));
  const { data, lines } = await listOrders(loms, id, statuses, max);
  return { data, lines: lines.length > 0 ? lines : ["none"] };
}
