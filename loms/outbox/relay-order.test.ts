import { expect, test } from "vitest";
import { type OutgoingMessage, REFUSED_BEFORE } from "../../shared/bus/bus.ts";
import { OutboxModel } from "./outbox-fixture.ts";

const SEEDS = 40;
const ORDERS = 12;
const LAST_SEQ = 5;
const STEPS = 400;
const SETTLE_STEPS_MAX = 20_000;

/** Numbers from 0 to 1 (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Writes an order's events one after the other, through any process. */
async function writeOrder(model: OutboxModel, order: bigint, random: () => number) {
  for (let seq = 1; seq <= LAST_SEQ; seq += seq === 1 ? 2 : 1) {
    const relay = model.relays[Math.floor(random() * model.relays.length)];
    const seqs = seq === 1 ? [1, 2] : [seq];
    const rows = await model.write(order, seqs).catch(() => undefined);
    // After a write with an unknown outcome nothing is offered, and no write follows.
    if (!rows) return;
    relay?.offer(rows);
  }
}

/** The events that a consumer shows, which drops those not above the last seq of their order. */
function shown(messages: readonly OutgoingMessage[]): OutgoingMessage[] {
  let last = 0;
  return messages.filter(({ headers }) => {
    const seq = seqOf(headers["ce_id"] as string);
    if (seq <= last) return false;
    last = seq;
    return true;
  });
}

const seqOf = (id: string) => Number(id.split("-")[1]);

/** The seq of an event, and those of the refused ones that it names. */
function seqAndRefused({ headers }: OutgoingMessage) {
  const ids = headers[REFUSED_BEFORE]?.split(",") ?? [];
  return { seq: seqOf(headers["ce_id"] as string), refused: [...new Set(ids.map(seqOf))] };
}

test.each([1, 2, 3])(
  "%d relays keep each order's events in order, whatever fails",
  async (relays) => {
    let repeats = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = randomFrom(seed);
      const isRefused = (order: bigint, seq: number) =>
        (Number(order) * 7 + seq * 3 + seed) % 23 === 0;
      const model = new OutboxModel(relays, random, isRefused);
      for (let order = 1n; order <= ORDERS; order++) void writeOrder(model, order, random);
      for (let step = 0; step < STEPS; step++) await model.step();
      model.isFaulty = false;
      for (let step = 0; !model.isSettled && step < SETTLE_STEPS_MAX; step++) await model.step();
      for (let order = 1n; order <= ORDERS; order++) {
        const about = `seed ${seed}, order ${order}`;
        expect(model.isSettled, about).toBe(true);
        const written = model.writtenSeqs(order);
        const refused = written.filter((seq) => isRefused(order, seq));
        const messages = model.published.filter(({ key }) => key === String(order));
        const seen = shown(messages);
        repeats += messages.length - seen.length;
        expect(seen.map(seqAndRefused), about).toEqual(
          written.filter((seq) => !refused.includes(seq))
            .map((seq) => ({ seq, refused: refused.filter((each) => each < seq) })),
        );
      }
    }
    expect(repeats, "the faults had an effect").toBeGreaterThan(100);
  },
);
