import { expect, test } from "vitest";
import { bannedWords } from "./banned-words.ts";

const DOOR = ["do", "or"].join("");

test("bannedWords() finds words in prose and in identifiers, with their line", () => {
  expect(bannedWords(`open${DOOR}s()\nplain\nwho${"ever"} calls`)).toEqual([
    { line: 1, word: DOOR, instead: expect.any(String) as string },
    { line: 3, word: `who${"ever"}`, instead: expect.any(String) as string },
  ]);
});

test("bannedWords() leaves parts of other words", () => {
  expect(bannedWords("planes, newspapers, classrooms, basks, a permit")).toEqual([]);
});
