import { expect, test } from "vitest";
import { BoundedLines } from "./bounded-lines.ts";

/** A sink that finishes a text, and an iteration that ends, when the test calls for it. */
function openLines(waitingMax?: number) {
  const taken: string[] = [];
  const reported: number[] = [];
  let done = () => {};
  let send = () => {};
  const lines = new BoundedLines({
    sink: (text, onDone) => {
      taken.push(text);
      done = onDone;
    },
    onDropped: (count) => reported.push(count),
    later: (what) => send = what,
    ...(waitingMax === undefined ? {} : { waitingMax }),
  });
  return { lines, taken, reported, endTurn: () => send(), finish: () => done() };
}

test("lines of one iteration are written together", () => {
  const { lines, taken, endTurn } = openLines();
  lines.write("a\n");
  lines.write("b\n");
  expect(taken).toEqual([]);
  endTurn();
  expect(taken).toEqual(["a\nb\n"]);
});

test("lines that arrive while the sink is busy are written together, in order", () => {
  const { lines, taken, endTurn, finish } = openLines();
  lines.write("a\n");
  endTurn();
  for (const line of ["b\n", "c\n"]) lines.write(line);
  expect(taken).toEqual(["a\n"]);
  finish();
  expect(taken).toEqual(["a\n", "b\nc\n"]);
});

test("lines beyond the bound are dropped and counted, and reported when the sink is free", () => {
  const { lines, taken, reported, endTurn, finish } = openLines(4);
  lines.write("a\n");
  endTurn();
  for (const line of ["b\n", "c\n", "d\n", "e\n"]) lines.write(line);
  expect([lines.lost, reported]).toEqual([2, []]);
  finish();
  expect(reported).toEqual([]);
  finish();
  expect(reported).toEqual([2]);
  expect(taken.join("")).toBe("a\nb\nc\n");
  lines.write("f\n");
  endTurn();
  finish();
  expect(reported).toEqual([2]);
});

test("flush() resolves when everything is written", async () => {
  const { lines, taken, endTurn, finish } = openLines();
  await lines.flush(60_000);
  lines.write("a\n");
  let isFlushed = false;
  const flushed = lines.flush(60_000).then(() => isFlushed = true);
  endTurn();
  lines.write("b\n");
  finish();
  await Promise.resolve();
  expect(isFlushed).toBe(false);
  finish();
  await flushed;
  expect(taken.join("")).toBe("a\nb\n");
});

test("flush() waits for its limit at most", async () => {
  const { lines } = openLines();
  lines.write("a\n");
  await lines.flush(1);
  expect(lines.takeWaiting()).toBe("a\n");
});
