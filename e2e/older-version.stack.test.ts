import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openAdmin } from "../stack/postgres/admin.ts";
import { PROJECT_DIRECTORY } from "../stack/services.ts";
import type { Stack } from "../stack/start.ts";
import { type Alone, startAlone } from "./alone.ts";
import { settingsBeside } from "./beside.ts";
import { eventually } from "./eventually.ts";
import { buyWithKeys, insist, inTurn, type Ordered } from "./retrying-buyer.ts";
import { newDataDirectory, removeDirectory, startOwnStack } from "./own-stack.ts";
import { type Shop, shopAt } from "./shop.ts";
import { checkInvariants } from "./invariants/check.ts";
import { broken } from "./invariants/finding.ts";
import { underLoad } from "./under-load.ts";

/** The newest commit whose loms has no ledger, prices and reasons. */
const OLDER = "3e7d3ee";
/** With more in stock than the test sells. */
const SKU = 139_275_865;
const SKU_STOCK = 65_534;
const CALLERS = 4;
const TEST_MAX_MS = 180_000;

function git(...args: string[]): Buffer {
  return execFileSync("git", ["-C", PROJECT_DIRECTORY, ...args], { maxBuffer: 256 * 2 ** 20 });
}

function hasOlder(): boolean {
  try {
    git("cat-file", "-e", `${OLDER}^{commit}`);
    return true;
  } catch {
    console.log(`skipped: commit ${OLDER} is not in this clone`);
    return false;
  }
}

/** The sources of the older version, with the packages of this one. */
function checkOutOlder(directory: string): void {
  mkdirSync(directory, { recursive: true });
  execFileSync("tar", ["-x", "-C", directory], { input: git("archive", OLDER) });
  symlinkSync(join(PROJECT_DIRECTORY, "node_modules"), join(directory, "node_modules"));
}

let directory: string;
let stack: Stack;
/** The databases of the test, because the stack has migrated its own. */
let databases: Stack["databases"];

beforeAll(async () => {
  directory = newDataDirectory();
  stack = await startOwnStack();
  const inDatabase = (url: string) => Object.assign(new URL(url), { pathname: "rolled" }).href;
  databases = {
    ...stack.databases,
    loms: inDatabase(stack.databases.loms),
    lomsReplicas: stack.databases.lomsReplicas.map(inDatabase),
  };
  const admin = openAdmin(stack.databases.loms);
  await admin.createDatabase("rolled").finally(() => admin.close());
});
afterAll(async () => {
  await stack.close();
  removeDirectory(directory);
});

/** A process of loms, whose version changes. */
async function newMember() {
  const { settings, url } = await settingsBeside("loms", { ...stack, databases });
  let process: Alone;
  return {
    shop: shopAt({ urls: { ...stack.urls, loms: url } }),
    async start(sources?: string): Promise<void> {
      // Deno's permissions are those of this project's folder.
      const runtime = sources === undefined ? undefined : "node";
      process = await startAlone("loms", settings, url, runtime, sources);
    },
    async stop(): Promise<void> {
      process.signal("SIGTERM");
      expect(await process.ended, process.output()).toBe("exit code 0");
    },
  };
}

/** Pays the first of three orders, cancels the second and leaves the third unpaid. */
function settle(transports: readonly Shop[], { key, order }: Ordered): Promise<unknown> {
  const turn = Number(key.split(" ")[1]) % 3;
  if (turn === 2) return Promise.resolve();
  return insist((tries) => {
    const shop = inTurn(transports, tries);
    return turn === 0 ? shop.tryPay(order) : shop.tryCancel(order);
  });
}

test.skipIf(!hasOlder())(
  "an update of loms, one process after the other under load, loses and duplicates no order",
  async () => {
    checkOutOlder(directory);
    const members = await Promise.all([newMember(), newMember()]);
    for (const member of members) await member.start(directory);
    const transports = members.map(({ shop }) => shop);
    const buyOn = (isOpen: () => boolean) =>
      buyWithKeys(transports, SKU, isOpen, (ordered) => settle(transports, ordered));
    const buyers = (isOpen: () => boolean) =>
      Promise.all(Array.from({ length: CALLERS }, () => buyOn(isOpen)));
    const stock = async () => {
      for (const shop of transports) {
        const count = await shop.stock(SKU).catch(() => undefined);
        if (count !== undefined) return count;
      }
      throw new Error("no loms answers");
    };
    const sellMore = async () => {
      const before = await stock();
      await eventually(async () => expect(await stock()).toBeLessThan(before - 4 * CALLERS));
    };

    const ordered = (await underLoad(buyers, async () => {
      await sellMore();
      for (const member of members) {
        await member.stop();
        await member.start();
        await sellMore();
      }
      // A process of the older version that restarts does not undo the migrations.
      await members[0]?.stop();
      await members[0]?.start(directory);
      await sellMore();
    })).flat();
    expect(new Set(ordered.map(({ order }) => order)).size).toBe(ordered.length);
    const cancelled = ordered.filter(({ key }) => Number(key.split(" ")[1]) % 3 === 1).length;
    expect(await stock()).toBe(SKU_STOCK - ordered.length + cancelled);
    const subject = {
      primaryUrl: databases.loms,
      replicaUrls: databases.lomsReplicas,
      notifierLogs: [join(stack.logDirectory, "notifier.log")],
    };
    await eventually(async () => expect(broken(await checkInvariants(subject))).toEqual([]));
    for (const member of members) await member.stop();
  },
  TEST_MAX_MS,
);
