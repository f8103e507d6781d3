import { expect, onTestFinished, test } from "vitest";
import type { Topic } from "./bus.ts";
import type { BusFixture } from "./bus-contract.ts";
import { Gate, Inbox, message } from "./test-inbox.ts";

const TOPIC: Topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
/** A bus may count at its upkeep only, every second. */
const POLL = { timeout: 15_000 };

/** What every implementation promises of {@link Bus.lag}. */
export function testBusLag(name: string, openFixture: () => Promise<BusFixture>): void {
  test(`${name}: lag() counts what a group is not done with, waiting or under way`, async () => {
    const fixture = await openFixture();
    onTestFinished(() => fixture.close());
    const [bus, other] = [fixture.openBus(), fixture.openBus()];
    const lag = () => other.lag(TOPIC, "readers");
    // A broker that has just started does not know its groups yet.
    await expect.poll(lag, POLL).toBe(0);
    await bus.publish(TOPIC, ["a", "b", "c"].map((key) => message(key, "0")));
    await expect.poll(lag, POLL).toBe(3);
    const [inbox, gate] = [new Inbox(), new Gate()];
    onTestFinished(() => gate.open());
    await bus.subscribe({
      topic: TOPIC,
      group: "readers",
      async handle(incoming) {
        await inbox.take(incoming);
        await gate.opened;
      },
    });
    await inbox.holds(1);
    await expect.poll(lag, POLL).toBe(3);
    gate.open();
    await expect.poll(lag, POLL).toBe(0);
  });
}
