import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { DATA_DIRECTORY } from "../stack/stack-file.ts";
import { givenDatabases } from "../stack/plan.ts";
import { readStack } from "../stack/stack-file.ts";
import { checkInvariants, type Subject } from "./invariants/check.ts";
import { broken } from "./invariants/finding.ts";
import { describeFinding } from "./invariants/describe-finding.ts";

const USAGE = `npm run verify -- [--notifier-log path]…

Checks the stack that runs in this folder (STACK_DATA names another one), or the database of
DATABASE_URL with DATABASE_REPLICA_URLS and PRODUCT_URL. Orders may continue meanwhile.

  --notifier-log path  what a notifier has printed, as JSON lines; the longest running first
`;

try {
  process.exitCode = await verify();
} catch (error) {
  process.stderr.write(`verify: ${(error as Error).message}\n`);
  process.exitCode = 1;
}

async function verify(): Promise<number> {
  const { values } = parseArgs({
    options: {
      "notifier-log": { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  const findings = await checkInvariants(findSubject(values["notifier-log"]));
  for (const finding of findings) process.stdout.write(`${describeFinding(finding)}\n`);
  const orders = findings.find(({ invariant }) => invariant === "rows")?.checked ?? 0;
  const { length } = broken(findings);
  process.stdout.write(`\nverify: ${orders} orders, ${length} invariants broken\n`);
  return length === 0 ? 0 : 1;
}

/** @throws {Error} if no stack runs here and no database is given */
function findSubject(notifierLogs: readonly string[]): Subject {
  const { PRODUCT_URL, STACK_DATA } = process.env;
  const given = givenDatabases(process.env);
  if (given) {
    const { loms: primaryUrl, lomsReplicas: replicaUrls } = given;
    return { primaryUrl, replicaUrls, notifierLogs, productsUrl: PRODUCT_URL || undefined };
  }
  const stack = readStack(STACK_DATA || DATA_DIRECTORY);
  if (!stack) throw new Error("nothing runs here: npm start first, or set DATABASE_URL");
  return {
    primaryUrl: stack.databases.loms,
    replicaUrls: stack.databases.lomsReplicas,
    notifierLogs: [join(stack.logDirectory, "notifier.log"), ...notifierLogs],
    productsUrl: stack.urls.products,
  };
}
