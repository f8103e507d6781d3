import { describe, expect, onTestFinished, test } from "vitest";
import type { IncomingMessage, Topic } from "./bus.ts";
import type { BusFixture } from "./bus-contract.ts";
import { eachMessage } from "./test/each-message.ts";
import { Gate, Inbox, message } from "./test/inbox.ts";

const TOPIC: Topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
const IN_GROUP = { topic: TOPIC, group: "readers" } as const;

/** The contract of every implementation of {@link Bus} about closing and health. */
export function describeBusHealth(name: string, openFixture: () => Promise<BusFixture>): void {
  describe(name, () => {
    async function setUp(): Promise<BusFixture> {
      const fixture = await openFixture();
      onTestFinished(() => fixture.close());
      return fixture;
    }

    describe("Subscription.close()", () => {
      test("waits for the running handler and acknowledges its message", async () => {
        const fixture = await setUp();
        const bus = fixture.openBus();
        const started = new Inbox();
        const gate = new Gate();
        const handle = async (incoming: IncomingMessage) => {
          await started.take(incoming);
          await gate.opened;
        };
        const subscription = await bus.subscribe({ ...IN_GROUP, handle: eachMessage(handle) });
        await bus.publish(TOPIC, [message("a", "0")]);
        await started.holds(1);
        await bus.publish(TOPIC, [message("a", "1")]);
        const closed = subscription.close();
        gate.open();
        await closed;
        expect(started.values()).toEqual(["0"]);

        const inbox = new Inbox();
        await fixture.openBus().subscribe({ ...IN_GROUP, handle: eachMessage(inbox.take) });
        await inbox.holds(1);
        expect(inbox.values()).toEqual(["1"]);
      });

      test("leaves unhandled messages to the next member", async () => {
        const fixture = await setUp();
        const bus = fixture.openBus();
        const tried = new Inbox();
        const fail = (incoming: IncomingMessage) =>
          tried.take(incoming).then(() => Promise.reject(new Error("never")));
        const subscription = await bus.subscribe({ ...IN_GROUP, handle: eachMessage(fail) });
        await bus.publish(TOPIC, [message("a", "0"), message("a", "1")]);
        await tried.holds(1);
        await subscription.close();
        const inbox = new Inbox();
        await fixture.openBus().subscribe({ ...IN_GROUP, handle: eachMessage(inbox.take) });
        await inbox.holds(2);
        expect(inbox.values()).toEqual(["0", "1"]);
      });
    });

    test("lag() counts waiting messages and those in progress", async () => {
      const fixture = await setUp();
      const [bus, other] = [fixture.openBus(), fixture.openBus()];
      const lag = () => other.lag(TOPIC, "readers");
      // A broker that has just started does not know its groups yet.
      await expect.poll(lag).toBe(0);
      await bus.publish(TOPIC, ["a", "b", "c"].map((key) => message(key, "0")));
      await expect.poll(lag).toBe(3);
      const [inbox, gate] = [new Inbox(), new Gate()];
      onTestFinished(() => gate.open());
      await bus.subscribe({
        ...IN_GROUP,
        handle: eachMessage(async (incoming) => {
          await inbox.take(incoming);
          await gate.opened;
        }),
      });
      await inbox.holds(1);
      await expect.poll(lag).toBe(3);
      gate.open();
      await expect.poll(lag).toBe(0);
    });

    test("a handler that hangs fails its subscription", async () => {
      const fixture = await setUp();
      const watch = { silenceMaxMs: 60_000, handlerMaxMs: 1_000, everyMs: 200 };
      const bus = fixture.openBus({ watch });
      const gate = new Gate();
      onTestFinished(() => gate.open());
      const { failed } = await bus.subscribe({
        ...IN_GROUP,
        handle: eachMessage(() => gate.opened),
      });
      await bus.publish(TOPIC, [message("a", "0")]);
      await expect(failed).rejects.toThrow(
        /The consumer hangs: a handler has been processing messages/,
      );
    });

    test("publish() rejects with unavailable when the bus cannot be reached", async () => {
      const bus = (await setUp()).openUnreachableBus();
      const rejection = { name: "AppError", code: "unavailable" };
      await expect(bus.publish(TOPIC, [message("a", "0")])).rejects.toMatchObject(rejection);
      await expect(bus.publish(TOPIC, [message("a", "0")])).rejects.toMatchObject(rejection);
    });
  });
}
