import { sql } from "drizzle-orm";
import { expect, onTestFinished, test } from "vitest";
import { testDatabase } from "../../stack/test/database.ts";
import { Pool } from "../postgres/pool.ts";
import { createLogger } from "../telemetry/log.ts";
import type { Bus, Topic } from "./bus.ts";
import { type BusFixture, describeBus, type StuckMember } from "./bus-contract.ts";
import { describeBusHealth } from "./bus-health-contract.ts";
import { PostgresBus, type PostgresBusOptions } from "./postgres.ts";
import { eachMessage } from "./test/each-message.ts";
import { startStuckMember } from "./test/stuck-process.ts";
import { countedUpTo, Inbox, message, messagesInTurn } from "./test/inbox.ts";

const TOPIC: Topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
const silent = createLogger({ service: "stack", level: "error", write: () => {} });

async function openFixture(): Promise<BusFixture & { readonly url: string }> {
  const database = await testDatabase("bus");
  const url = database.primaryUrl;
  const buses: Bus[] = [];
  const members: StuckMember[] = [];
  const open = (options: PostgresBusOptions) => {
    const bus = new PostgresBus(options);
    buses.push(bus);
    return bus;
  };
  return {
    url,
    // jsonb holds no U+0000.
    refusedValue: "\u0000",
    openBus: (options) => open({ url, log: silent, ...options }),
    openUnreachableBus: () => open({ url: "postgres://postgres@127.0.0.1:1/bus", log: silent }),
    startStuckMember(topic, group) {
      const member = startStuckMember(url, topic, group);
      members.push(member);
      return member;
    },
    async close() {
      await Promise.all(members.map((member) => member.kill()));
      await Promise.all(buses.map((bus) => bus.close()));
      await database.drop();
    },
  };
}

describeBus("new PostgresBus()", openFixture);
describeBusHealth("new PostgresBus()", openFixture);

test("many processes can start at once on an empty database", async () => {
  const fixture = await openFixture();
  onTestFinished(() => fixture.close());
  const buses = Array.from({ length: 8 }, () => fixture.openBus());
  await Promise.all(buses.map((bus, index) => bus.publish(TOPIC, [message(`key-${index}`, "0")])));
  const inbox = new Inbox();
  await (buses[0] as Bus).subscribe({
    topic: TOPIC,
    group: "readers",
    handle: eachMessage(inbox.take),
  });
  await inbox.holds(8);
  expect(new Set(inbox.messages.map(({ key }) => key)).size).toBe(8);
});

test("a subscription continues after its connections were cut", async () => {
  const fixture = await openFixture();
  const pool = new Pool({
    url: fixture.url,
    role: "primary",
    max: 1,
    applicationName: "cut",
  });
  onTestFinished(async () => {
    await pool.close();
    await fixture.close();
  });
  const bus = fixture.openBus();
  const inbox = new Inbox();
  await bus.subscribe({ topic: TOPIC, group: "readers", handle: eachMessage(inbox.take) });
  const messages = messagesInTurn(10, 10);
  for (let from = 0; from < messages.length; from += 20) {
    const batch = messages.slice(from, from + 20);
    await bus.publish(TOPIC, batch);
    await pool.db.execute(sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`);
    // As the relay does: messages that may not have been stored are published again.
    const isPublished = () => bus.publish(TOPIC, batch).then(() => true, () => false);
    await expect.poll(isPublished).toBe(true);
  }
  await Promise.all(Array.from({ length: 10 }, async (_, key) => {
    await expect.poll(() => inOrder(inbox.values(`key-${key}`))).toEqual(countedUpTo(10));
  }));
});

test("acknowledged messages leave no jobs", async () => {
  const fixture = await openFixture();
  const bus = fixture.openBus();
  const inbox = new Inbox();
  const pool = new Pool({
    url: fixture.url,
    role: "primary",
    max: 1,
    applicationName: "count",
  });
  onTestFinished(async () => {
    await pool.close();
    await fixture.close();
  });
  const subscription = await bus.subscribe({
    topic: TOPIC,
    group: "readers",
    handle: eachMessage(inbox.take),
  });
  await bus.publish(TOPIC, messagesInTurn(20, 5));
  await inbox.holds(100);
  await subscription.close();
  const [row] = await pool.db.execute(sql`select count(*)::int as jobs from pgboss.job`);
  expect(row).toEqual({ jobs: 0 });
});

/** The values without repeated and stale ones, as the notifier drops them. */
function inOrder(values: readonly string[]): string[] {
  const kept: string[] = [];
  for (const value of values) {
    if (Number(value) > Number(kept.at(-1) ?? -1)) kept.push(value);
  }
  return kept;
}
