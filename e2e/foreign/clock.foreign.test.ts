import postgres from "postgres";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import type { Stack } from "../../stack/start.ts";
import { eventually } from "../eventually.ts";
import { expectNotifications } from "../notifications.ts";
import { startOwnStack } from "../own-stack.ts";
import { type Shop, shopAt } from "../shop.ts";
import { newUser } from "../users.ts";
import { databaseSettings, SERVICE_DATABASES, startDebianPair } from "./debian-postgres.ts";
import { type SteppingClock, steppingClock } from "./stepping-clock.ts";

const programs = inject("foreign");

const SKU = 1_625_903;
const HOUR_S = 3_600;

describe.skipIf(!programs)("the clock of PostgreSQL steps back an hour", () => {
  let clock: SteppingClock;
  let pair: PostgresPair;
  let stack: Stack;
  let shop: Shop;
  let offsetS = 0;

  beforeAll(async () => {
    if (!programs) return;
    clock = steppingClock(programs);
    pair = await startDebianPair({ ...programs, postgres: clock.postgres }, {
      databases: SERVICE_DATABASES,
    });
    stack = await startOwnStack({
      environment: {
        ...databaseSettings(pair),
        ORDER_PAYMENT_TIMEOUT: "8s",
      },
    });
    shop = shopAt(stack);
  });
  afterAll(async () => {
    await stack?.close();
    await pair?.close();
    clock?.remove();
  });

  async function stepBack(): Promise<void> {
    const admin = postgres(pair.primaryUrl("loms"), { max: 1 });
    const read = async () => {
      const [row] = await admin`select extract(epoch from clock_timestamp())::float8 as at`;
      return row?.["at"] as number;
    };
    const before = await read();
    offsetS -= HOUR_S;
    clock.set(offsetS);
    expect(before - await read(), "the server's clock has stepped").toBeGreaterThan(HOUR_S - 60);
    await admin.end();
  }

  test("events that wait on the bus arrive in order, before later ones", async () => {
    await stack.kill("notifier");
    const order = await shop.create(newUser(), SKU, 1);
    await stepBack();
    await shop.pay(order);
    await stack.restart("notifier");
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
  });

  test("an order that awaits payment is cancelled at its deadline, not an hour later", async () => {
    const order = await shop.create(newUser(), SKU, 1);
    await stepBack();
    await eventually(async () => expect(await shop.status(order)).toBe("cancelled"));
    await expectNotifications(stack, order, ["new", "awaiting payment", "cancelled"]);
  });

  test("after a loms is killed while it publishes, the next one continues at once", async () => {
    const bus = postgres(pair.primaryUrl("bus"), { max: 1 });
    const locked = await bus.reserve();
    await locked`begin`;
    await locked`lock table pgboss.job in exclusive mode`;
    const order = await shop.create(newUser(), SKU, 1);
    await shop.pay(order);
    const admin = postgres(pair.primaryUrl("loms"), { max: 1 });
    await eventually(async () => {
      const [lease] = await admin`select until > clock_timestamp() as taken from outbox_lease`;
      expect(lease?.["taken"]).toBe(true);
    });
    await admin.end();
    await stack.kill("loms");
    await locked`rollback`;
    locked.release();
    await bus.end();
    await stepBack();
    await stack.restart("loms");
    await expectNotifications(stack, order, ["new", "awaiting payment", "payed"]);
  });
});
