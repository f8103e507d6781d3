import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bus,
  type IncomingMessage,
  MessagesRefusedError,
  type Topic,
  UnreadableMessageError,
} from "./bus.ts";
import type { WatchLimits } from "./watchdog.ts";
import { eachMessage } from "./test/each-message.ts";
import { countedUpTo, Gate, Inbox, message, messagesInTurn } from "./test/inbox.ts";

/** A member in a separate process that never finishes a message. */
export interface StuckMember {
  /** Resolves when it has received a message. */
  readonly hasOne: Promise<void>;
  /** Ends the process with SIGKILL. */
  kill(): Promise<void>;
}

/** An empty broker. */
export interface BusFixture {
  /** A new connection, as from another process; the fixture closes it. */
  openBus(options?: { readonly watch?: WatchLimits }): Bus;
  /** A bus whose broker does not exist; the fixture closes it. */
  openUnreachableBus(): Bus;
  startStuckMember(topic: Topic, group: string): StuckMember;
  /** A value that the bus always rejects. */
  readonly refusedValue: string;
  /** False if the bus does not count an attempt that a killed process made; by default true. */
  readonly countsLostAttempts?: boolean;
  close(): Promise<void>;
}

const TOPIC: Topic = { name: "events", groups: ["readers"], deadLetterQueue: "events.dlq" };
const IN_GROUP = { topic: TOPIC, group: "readers" } as const;

/** The contract of every implementation of {@link Bus}. */
export function describeBus(name: string, openFixture: () => Promise<BusFixture>): void {
  describe(name, () => {
    let fixture: BusFixture;
    let bus: Bus;

    beforeEach(async () => {
      fixture = await openFixture();
      bus = fixture.openBus();
    });
    afterEach(() => fixture.close());

    async function readOn(on: Bus): Promise<Inbox> {
      const inbox = new Inbox();
      await on.subscribe({ ...IN_GROUP, handle: eachMessage(inbox.take) });
      return inbox;
    }

    describe("publish()", () => {
      test("keeps messages that were published before the first subscription", async () => {
        await bus.publish(TOPIC, [message("a", "0"), message("a", "1")]);
        const inbox = await readOn(fixture.openBus());
        await inbox.holds(2);
        expect(inbox.values("a")).toEqual(["0", "1"]);
      });

      test("keeps the order of each key within a call and across calls", async () => {
        const inbox = await readOn(bus);
        const messages = messagesInTurn(50, 12);
        // Two alternating publishers, as when one relay takes over from another.
        const publishers = [bus, fixture.openBus()];
        for (let from = 0; from < messages.length; from += 200) {
          const publisher = publishers[(from / 200) % 2] as Bus;
          await publisher.publish(TOPIC, messages.slice(from, from + 200));
        }
        await inbox.holds(600);
        for (let key = 0; key < 50; key++) {
          expect(inbox.values(`key-${key}`)).toEqual(countedUpTo(12));
        }
      });

      test("accepts 2,000 messages in one call", async () => {
        await bus.publish(TOPIC, messagesInTurn(400, 5));
        const inbox = await readOn(bus);
        await inbox.holds(2000);
        expect(inbox.messages).toHaveLength(2000);
        expect(inbox.values("key-399")).toEqual(countedUpTo(5));
      });

      test("carries keys, values and headers exactly", async () => {
        const sent = {
          key: "ключ/ü 1",
          value: '{"text":"значение \\u0000 \\" 🛒","n":9223372036854775807}',
          headers: { "ce_id": "1-1", "Заголовок": "значение 🛒\n\t", "empty": "" },
        };
        const inbox = await readOn(bus);
        await bus.publish(TOPIC, [sent]);
        await inbox.holds(1);
        expect(inbox.messages[0]).toMatchObject({ ...sent, attempt: 1 });
        expect(inbox.messages[0]?.headers).toEqual(sent.headers);
      });

      test("names the permanently rejected messages, and stores the others in order", async () => {
        const bad = message("a", fixture.refusedValue);
        const sent = [message("a", "0"), bad, message("a", "1"), message("b", "0"), bad];
        const error = await bus.publish(TOPIC, sent).catch((caught: unknown) => caught);
        expect(error).toBeInstanceOf(MessagesRefusedError);
        expect(error).toMatchObject({ refused: [{ index: 1 }, { index: 4 }], tried: 5 });
        const inbox = await readOn(bus);
        await bus.publish(TOPIC, [message("a", "2"), message("b", "1")]);
        // The other messages of the same request may be stored twice.
        const seen = (key: string) => [...new Set(inbox.values(key))];
        await expect.poll(() => [seen("a"), seen("b")]).toEqual([["0", "1", "2"], ["0", "1"]]);
      });

      test("resolves for no messages", async () => {
        await expect(bus.publish(TOPIC, [])).resolves.toBeUndefined();
      });
    });

    describe("subscribe()", () => {
      test("gives every message to each group", async () => {
        const topic = { ...TOPIC, groups: ["one", "two"] };
        const [one, two] = [new Inbox(), new Inbox()];
        await bus.subscribe({ topic, group: "one", handle: eachMessage(one.take) });
        await fixture.openBus().subscribe({ topic, group: "two", handle: eachMessage(two.take) });
        await bus.publish(topic, messagesInTurn(3, 2));
        await Promise.all([one.holds(6), two.holds(6)]);
        expect(one.values("key-2")).toEqual(["0", "1"]);
        expect(two.values("key-2")).toEqual(["0", "1"]);
      });

      test("shares the keys between two members and keeps the order of each", async () => {
        const all = new Inbox();
        const busy = new Set<string>();
        let together = 0;
        const member = (own: Inbox) => async (incoming: IncomingMessage) => {
          if (busy.has(incoming.key)) together += 1;
          busy.add(incoming.key);
          await new Promise((resolve) => setImmediate(resolve));
          busy.delete(incoming.key);
          await own.take(incoming);
          await all.take(incoming);
        };
        const [one, two] = [new Inbox(), new Inbox()];
        await bus.subscribe({ ...IN_GROUP, handle: eachMessage(member(one)) });
        await fixture.openBus().subscribe({ ...IN_GROUP, handle: eachMessage(member(two)) });
        let turns = 0;
        // The first member may take all messages of the first rounds.
        await expect.poll(async () => {
          const value = String(turns++);
          const keys = Array.from({ length: 60 }, (_, key) => `key-${key}`);
          await bus.publish(TOPIC, keys.map((key) => message(key, value)));
          return turns >= 20 && one.messages.length > 0 && two.messages.length > 0;
        }, { interval: 1 }).toBe(true);
        await all.holds(60 * turns);
        for (let key = 0; key < 60; key++) {
          expect(all.values(`key-${key}`)).toEqual(countedUpTo(turns));
        }
        expect(together).toBe(0);
      });

      test("redelivers after a throw, while its key waits and other keys continue", async () => {
        const inbox = new Inbox();
        const attempts: number[] = [];
        const handle = async (incoming: IncomingMessage) => {
          if (incoming.value === "bad") {
            attempts.push(incoming.attempt);
            if (attempts.length < 6 || inbox.values("good").length < 3) throw new Error("not yet");
          }
          await inbox.take(incoming);
        };
        await bus.subscribe({ ...IN_GROUP, handle: eachMessage(handle) });
        await bus.publish(TOPIC, [
          message("stuck", "bad"),
          message("stuck", "after"),
          ...["0", "1", "2"].map((value) => message("good", value)),
        ]);
        await inbox.holds(5);
        expect(inbox.values("good")).toEqual(["0", "1", "2"]);
        expect(inbox.values()).toEqual(["0", "1", "2", "bad", "after"]);
        expect(attempts[0]).toBe(1);
        expect(attempts.toSorted((a, b) => a - b)).toEqual([...new Set(attempts)]);
      });

      test("passes messages together, and repeats a call that rejects key by key", async () => {
        const calls: number[] = [];
        const inbox = new Inbox();
        await bus.publish(TOPIC, messagesInTurn(20, 2));
        await bus.subscribe({
          ...IN_GROUP,
          async handle(messages) {
            calls.push(messages.length);
            if (new Set(messages.map(({ key }) => key)).size > 1) throw new Error("too many");
            for (const each of messages) await inbox.take(each);
            return new Map();
          },
        });
        await inbox.holds(40);
        expect(Math.max(...calls)).toBeGreaterThan(1);
        for (let key = 0; key < 20; key++) expect(inbox.values(`key-${key}`)).toEqual(["0", "1"]);
      });

      test("dead-letters an unreadable message, and its key continues", async () => {
        const inbox = new Inbox();
        let refused: IncomingMessage | undefined;
        const handle = (incoming: IncomingMessage) => {
          if (incoming.value !== "poison") return inbox.take(incoming);
          refused = incoming;
          return Promise.reject(new UnreadableMessageError("not JSON: poison"));
        };
        await bus.subscribe({ ...IN_GROUP, handle: eachMessage(handle) });
        const poison = { ...message("a", "poison"), headers: { traceparent: "00-1-2-01" } };
        await bus.publish(TOPIC, [message("a", "0"), poison, message("a", "1")]);
        await inbox.holds(2);
        expect(inbox.values("a")).toEqual(["0", "1"]);
        // A later message of the same call may be handled before this one is moved.
        await expect.poll(() => bus.readDeadLetterQueue(TOPIC, 10)).toEqual([
          { ...poison, reason: "not JSON: poison", position: refused?.position },
        ]);
      });

      test("redelivers messages of a killed member, and none of a slower, living one", async () => {
        const topic = { ...TOPIC, groups: ["slow", "readers"] };
        const [slow, inbox, gate] = [new Inbox(), new Inbox(), new Gate()];
        const handle = (incoming: IncomingMessage) => slow.take(incoming).then(() => gate.opened);
        try {
          const members = [bus, fixture.openBus()];
          for (const each of members) {
            await each.subscribe({ topic, group: "slow", handle: eachMessage(handle) });
          }
          await bus.publish(topic, messagesInTurn(2, 3));
          await slow.holds(2);
          const member = fixture.startStuckMember(topic, "readers");
          await member.hasOne;
          // In a Kafka group a stuck member blocks a join until it is removed.
          const next = { topic, group: "readers", handle: eachMessage(inbox.take) };
          const joined = fixture.openBus().subscribe(next);
          await member.kill();
          await joined;
          await inbox.holds(6);
          // The slow members had their messages before the killed one, and have lost none.
          expect(slow.values()).toEqual(["0", "0"]);
        } finally {
          gate.open();
        }
        expect(inbox.values("key-0")).toEqual(["0", "1", "2"]);
        expect(inbox.values("key-1")).toEqual(["0", "1", "2"]);
        if (fixture.countsLostAttempts === false) return;
        expect(Math.max(...inbox.messages.map(({ attempt }) => attempt))).toBeGreaterThan(1);
      });
    });

    describe("replayDeadLetterQueue()", () => {
      test("publishes dead-lettered messages once more, unchanged and oldest first", async () => {
        const inbox = new Inbox();
        let fixed = false;
        const handle = (incoming: IncomingMessage) => {
          if (fixed || incoming.key === "marker") return inbox.take(incoming);
          return Promise.reject(new UnreadableMessageError("not yet"));
        };
        await bus.subscribe({ ...IN_GROUP, handle: eachMessage(handle) });
        const letters = ["0", "1", "2"].map((value) => ({
          ...message("a", value),
          headers: { ce_id: `a-${value}` },
        }));
        await bus.publish(TOPIC, [...letters, message("marker", "0")]);
        await inbox.holds(1, "marker");
        await expect.poll(() => bus.readDeadLetterQueue(TOPIC, 10)).toHaveLength(3);

        fixed = true;
        expect(await bus.replayDeadLetterQueue(TOPIC, 2)).toBe(2);
        expect(await bus.readDeadLetterQueue(TOPIC, 10)).toMatchObject([letters[2]]);
        expect(await bus.replayDeadLetterQueue(TOPIC, 10)).toBe(1);
        expect(await bus.replayDeadLetterQueue(TOPIC, 10)).toBe(0);
        await inbox.holds(3, "a");
        expect(inbox.values("a")).toEqual(["0", "1", "2"]);
        expect(inbox.messages.at(-1)).toMatchObject(letters[2] as object);
      });
    });
  });
}
