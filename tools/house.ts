// npm run house prints the size of the source, import circles, and how many files run during
// one checkout. --check prints import circles and long lines alone, and exits with 1 if there are
// any.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { PROJECT_DIRECTORY } from "../stack/services.ts";
import {
  circles,
  isSource,
  isTest,
  LINE_MAX,
  longLines,
  sharedFolder,
  type SourceTree,
  topFolder,
} from "./source-tree.ts";
import { endWithReader } from "./tool.ts";

const CHECKED = /\.(ts|js|sql|lua|go|java|py|sh|proto|css|html)$|(^|\/)Dockerfile$|^\.(env|ci)/;
const RUN = { cwd: PROJECT_DIRECTORY, encoding: "utf8" } as const;

if (process.argv.includes("--check")) check(readTree());
else report(readTree());

function readTree(): SourceTree {
  const listed = execFileSync("git", ["ls-files", "-z"], RUN).split("\0");
  const paths = listed.filter((path) => CHECKED.test(path));
  return new Map(paths.map((path) => [path, readFileSync(join(PROJECT_DIRECTORY, path), "utf8")]));
}

function circlesOf(tree: SourceTree) {
  const outsideTests = new Map([...tree].filter(([path]) => !isTest(path)));
  return {
    "top folders": circles(outsideTests, topFolder),
    "folders of shared": circles(outsideTests, sharedFolder),
    "files": circles(outsideTests, (path) => path),
  };
}

function check(tree: SourceTree): void {
  const faults = longLines(tree).map((line) => `${line} has more than ${LINE_MAX} columns`);
  for (const { groups, imports } of Object.values(circlesOf(tree)).flat()) {
    faults.push(`${groups.join(", ")} import each other: ${imports.join("; ")}`);
  }
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function report(tree: SourceTree): void {
  endWithReader();
  const out = (line: string) => process.stdout.write(`${line}\n`);
  out("| folder | lines | files | median | largest file |");
  out("| --- | ---: | ---: | ---: | --- |");
  for (const { folder, lines, files, median, largest } of sizes(tree)) {
    out(`| ${[folder, lines, files, median, largest].join(" | ")} |`);
  }
  for (const [what, list] of Object.entries(circlesOf(tree))) {
    out(`\nCircles between ${what}: ${list.length}`);
    for (const { groups, imports } of list) {
      out(`  ${groups.join(", ")}`);
      for (const line of imports) out(`    ${line}`);
    }
  }
  // In a separate process, because PostgreSQL, loms and cart run there.
  const checkout = execFileSync(process.execPath, ["tools/checkout-files.ts"], RUN);
  out(`\n${checkout.trim().split("\n").at(-1)}`);
}

/** Lines of source by top folder, largest first, and the total. */
function sizes(tree: SourceTree) {
  const source = [...tree].filter(([path]) => isSource(path))
    .map(([path, text]) => ({ path, lines: text.split("\n").length - 1 }));
  const row = (folder: string, files: typeof source) => {
    const sorted = files.toSorted((a, b) => a.lines - b.lines);
    const largest = sorted.at(-1);
    return {
      folder,
      lines: files.reduce((sum, { lines }) => sum + lines, 0),
      files: files.length,
      median: sorted[Math.floor(sorted.length / 2)]?.lines ?? 0,
      largest: largest ? `${largest.path} (${largest.lines})` : "",
    };
  };
  return [
    ...[...Map.groupBy(source, ({ path }) => topFolder(path))]
      .map(([folder, files]) => row(folder, files))
      .sort((a, b) => b.lines - a.lines),
    row("all", source),
  ];
}
