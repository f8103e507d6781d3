import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { bannedWords } from "./banned-words.ts";

// Lists banned words of the tracked files: node tools/check-words.ts [folder or file…]

const READ = /\.(ts|js|sql|md|ya?ml|proto|sh|html|css|lua|go|java|py|cfg|conf|env|example)$/;
const READ_TOO = /(^|\/)Dockerfile$|^\.ci\//;
/** Generated, shipped, or the list itself. */
const SKIPPED =
  /(^|\/)gen\/|\.gen\.ts$|\/migrations\/|^docs\/api\/|^proto\/google\/|^tools\/banned-words/;

const files = execFileSync("git", ["ls-files", "-z", ...process.argv.slice(2)], {
  encoding: "utf8",
}).split("\0").filter((file) => (READ.test(file) || READ_TOO.test(file)) && !SKIPPED.test(file));

let found = 0;
for (const file of files) {
  const named = bannedWords(file).map((finding) => ({ ...finding, line: 0 }));
  for (const { line, word, instead } of [...named, ...bannedWords(readFileSync(file, "utf8"))]) {
    found++;
    console.log(`${file}:${line}: "${word}": write ${instead}`);
  }
}
console.log(`${found} banned words in ${files.length} files`);
process.exitCode = found > 0 ? 1 : 0;
