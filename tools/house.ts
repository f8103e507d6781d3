import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
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

const USAGE = `node tools/house.ts [--json] [--check] [--tree DIR]

  Prints the size of the source, import circles, and how many files run during one checkout.

  --check     prints circles between folders and long lines alone; exits with 1 if there are any
  --tree DIR  reads another checkout of the project, with its packages installed
`;

const { values } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    tree: { type: "string", default: PROJECT_DIRECTORY },
    help: { type: "boolean", default: false },
  },
});
if (values.help) process.stdout.write(USAGE);
else if (values.check) check(readTree());
else report(readTree());

function readTree(): SourceTree {
  const tree = resolve(values.tree);
  const listed = execFileSync("git", ["-C", tree, "ls-files", "-z"], { encoding: "utf8" });
  const paths = listed.split("\0").filter((path) => /\.(ts|js|sql)$/.test(path));
  return new Map(paths.map((path) => [path, readFileSync(join(tree, path), "utf8")]));
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
  const { files: _, ...folders } = circlesOf(tree);
  const faults = longLines(tree).map((line) => `${line} has more than ${LINE_MAX} columns`);
  for (const { groups, imports } of Object.values(folders).flat()) {
    faults.push(`${groups.join(", ")} import each other: ${imports.join("; ")}`);
  }
  for (const fault of faults) process.stderr.write(`${fault}\n`);
  process.exitCode = faults.length > 0 ? 1 : 0;
}

function report(tree: SourceTree): void {
  const folders = sizes(tree);
  const found = circlesOf(tree);
  const checkoutFiles = countCheckoutFiles();
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ folders, circles: found, checkoutFiles })}\n`);
    return;
  }
  const out = (line: string) => process.stdout.write(`${line}\n`);
  out("| folder | lines | files | median | largest file |");
  out("| --- | ---: | ---: | ---: | --- |");
  for (const { folder, lines, files, median, largest } of folders) {
    out(`| ${[folder, lines, files, median, largest].join(" | ")} |`);
  }
  for (const [what, list] of Object.entries(found)) {
    out(`\nCircles between ${what}: ${list.length}`);
    for (const { groups, imports } of list) {
      out(`  ${groups.join(", ")}`);
      for (const line of imports) out(`    ${line}`);
    }
  }
  out(`\nFiles of ours that run during one checkout: ${checkoutFiles}`);
}

/** Lines of source by top folder, largest first, and in total. */
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

/** In a process of its own, because PostgreSQL, loms and cart run there. */
function countCheckoutFiles(): number {
  const script = fileURLToPath(new URL("./checkout-files.ts", import.meta.url));
  const args = [script, "--json", "--tree", resolve(values.tree)];
  const output = execFileSync(process.execPath, args, { encoding: "utf8" });
  return (JSON.parse(output) as { counted: unknown[] }).counted.length;
}
