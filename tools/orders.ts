import process from "node:process";
import { parseArgs } from "node:util";
import { createDirectFetch } from "../shared/http-client/direct-fetch.ts";
import { jsonIntegers } from "../shared/json-integer.ts";
import { lomsClient } from "./clients/loms.ts";
import { MAX_DEFAULT, readMax, withLomsDatabase } from "./loms-database.ts";
import { listLatePayments, listOrders } from "./orders/commands.ts";
import { findStack, findUrl } from "./running-stack.ts";
import { type Outcome, UsageError } from "./shop/command.ts";
import { refusalOf } from "./shop/refusal.ts";

const USAGE = `npm run orders -- late-payments [--max 1000]
                        orders with late payments, the newest try first
npm run orders -- list USER [--status STATUS …] [--max 1000]
                        the orders of a user, newest first
Both take --json.

Exit code 0: done. 1: refused, or no answer. 2: usage error. It uses the system that npm start
runs; DATABASE_URL (late-payments) and LOMS_URL (list) name another one.
`;
const REFUSED = 1;
const NOT_UNDERSTOOD = 2;
const USER_ID = /^[1-9][0-9]{0,18}$/;

process.exitCode = await main().catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  const lines = isUsage ? [error.message] : refusalOf(error).lines;
  const text = lines.join("\n");
  process.stderr.write(text === USAGE ? USAGE : `orders: ${text}\n`);
  return isUsage ? NOT_UNDERSTOOD : REFUSED;
});

async function main(): Promise<number> {
  const { values: { json, help, status, max }, words } = readCommandLine();
  if (help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { data, lines } = await run(words, status, readMax(max));
  const text = lines.length > 0 ? lines.join("\n") : "none";
  process.stdout.write(`${json ? JSON.stringify(data, jsonIntegers) : text}\n`);
  return 0;
}

function readCommandLine() {
  try {
    const { values, positionals: words } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
        status: { type: "string", multiple: true, default: [] },
        max: { type: "string", default: String(MAX_DEFAULT) },
      },
    });
    return { values, words };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function run(words: readonly string[], statuses: readonly string[], max: number): Promise<Outcome> {
  const [name, user, ...others] = words;
  if (name === "late-payments" && user === undefined && statuses.length === 0) {
    return withLomsDatabase("orders", (pool) => listLatePayments(pool, max));
  }
  if (name !== "list" || user === undefined || others.length > 0) throw new UsageError(USAGE);
  if (!USER_ID.test(user)) throw new UsageError(`USER is the id of a user, not ${user}`);
  return listOrders(findLoms(), BigInt(user), statuses, max);
}

function findLoms(): ReturnType<typeof lomsClient> {
  const url = findUrl("LOMS_URL", findStack()?.urls.loms);
  if (!url) throw new UsageError("nothing runs here: npm start first, or set LOMS_URL");
  return lomsClient(url, { fetch: createDirectFetch() });
}
