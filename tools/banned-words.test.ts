import { expect, test } from "vitest";
import { bannedWords } from "./banned-words.ts";

test("bannedWords() finds words in prose and in identifiers, with their line", () => {
  expect(bannedWords("logSeldom()\nplain\nper-key lanes")).toEqual([
    { line: 1, word: "Seldom", instead: "throttled" },
    { line: 3, word: "lanes", instead: "per-key queue" },
  ]);
});

test.each([
  ["const askedAt = 0;", "asked"],
  ["const ASK_AGAIN_MAX_MS = 250;", "ASK"],
  ["this.#toldOfLost = isTold;", "told"],
  ["batcher.ask(item)", "ask"],
])("bannedWords(%j) finds %s", (text, word) => {
  expect(bannedWords(text)).toMatchObject([{ line: 1, word }]);
});

test("bannedWords() leaves parts of other words", () => {
  expect(
    bannedWords("planes, newspapers, classrooms, basks, a permit, TaskGroup, maskFields, `ASK`"),
  ).toEqual([]);
});
