import { sql } from "drizzle-orm";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type TestDatabase, testDatabase } from "../../stack/test/database.ts";
import { Pool } from "../postgres/pool.ts";
import { createLogger } from "../telemetry/log.ts";
import type { Bus, Topic } from "./bus.ts";
import { PostgresBus } from "./postgres.ts";
import { eachMessage } from "./test/each-message.ts";
import { Inbox, message } from "./test/inbox.ts";
import { startStuckMember } from "./test/stuck-process.ts";

const TOPIC: Topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
const silent = createLogger({ service: "stack", level: "error", write: () => {} });

let database: TestDatabase;
let pool: Pool;
let bus: Bus;

beforeEach(async () => {
  database = await testDatabase("bus");
  pool = new Pool({
    url: database.primaryUrl,
    role: "primary",
    max: 1,
    applicationName: "clock",
  });
  bus = new PostgresBus({ url: database.primaryUrl, log: silent });
});
afterEach(async () => {
  await Promise.all([bus.close(), pool.close()]);
  await database.drop();
});

/** Moves all timestamps of the bus an hour into the future, as after a clock that stepped back. */
async function stepBack(): Promise<void> {
  await pool.db.execute(sql`
    update pgboss.job set created_on = created_on + interval '1 hour',
      start_after = start_after + interval '1 hour', started_on = started_on + interval '1 hour',
      heartbeat_on = heartbeat_on + interval '1 hour'`);
  await pool.db.execute(sql`
    update pgboss.queue set monitor_on = clock_timestamp() + interval '1 hour',
      monitor_claim_on = clock_timestamp() + interval '1 hour'`);
}

const subscribe = (inbox: Inbox) =>
  bus.subscribe({ topic: TOPIC, group: "readers", handle: eachMessage(inbox.take) });

test("messages from before a step back arrive at once, ahead of later ones", async () => {
  await bus.publish(TOPIC, [message("a", "1"), message("b", "1"), message("a", "2")]);
  await bus.publish(TOPIC, [message("a", "3")]);
  await stepBack();
  await bus.publish(TOPIC, [message("a", "4"), message("b", "2")]);
  const inbox = new Inbox();
  await subscribe(inbox);
  await inbox.holds(6);
  expect([inbox.values("a"), inbox.values("b")]).toEqual([["1", "2", "3", "4"], ["1", "2"]]);
});

test("a subscription finds messages from before a step back without a publish", async () => {
  await bus.publish(TOPIC, [message("a", "1"), message("a", "2")]);
  await stepBack();
  const inbox = new Inbox();
  await subscribe(inbox);
  await inbox.holds(2);
  expect(inbox.values("a")).toEqual(["1", "2"]);
});

test("a retry that was scheduled before a step back runs", async () => {
  await bus.publish(TOPIC, [message("a", "1")]);
  await pool.db.execute(sql`
    update pgboss.job
    set state = 'retry', retry_count = 1, start_after = now() + interval '1 hour'`);
  const inbox = new Inbox();
  await subscribe(inbox);
  await inbox.holds(1);
});

test("the message of a member that died before a step back is redelivered", async () => {
  await bus.publish(TOPIC, [message("a", "1")]);
  const member = startStuckMember(database.primaryUrl, TOPIC, "readers");
  await member.hasOne;
  await member.kill();
  await stepBack();
  const inbox = new Inbox();
  await subscribe(inbox);
  await inbox.holds(1);
});

test("without a step back no timestamp changes", async () => {
  await bus.publish(TOPIC, [message("a", "1")]);
  const stamps = async () => {
    const [row] = await pool.db.execute(sql`
      select created_on::text, start_after::text, xmin::text from pgboss.job`);
    return row;
  };
  const before = await stamps();
  await bus.publish(TOPIC, [message("b", "1")]);
  const [row] = await pool.db.execute(sql`
    select created_on::text, start_after::text, xmin::text from pgboss.job
    where singleton_key = 'a'`);
  expect(row).toEqual(before);
});
