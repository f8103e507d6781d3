import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** Every file below a folder with its bytes, by relative path. */
function filesBelow(folder: string): Map<string, string> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Map(names.map((name) => [
    name.slice(folder.length + 1),
    readFileSync(name).toString("base64"),
  ]));
}

/** The files below `committed` that are missing, obsolete or different from those of `fresh`. */
export function staleFiles(fresh: string, committed: string): string[] {
  const expected = filesBelow(fresh);
  const found = filesBelow(committed);
  const names = new Set([...expected.keys(), ...found.keys()]);
  return [...names]
    .filter((name) => expected.get(name) !== found.get(name))
    .map((name) => join(committed, name));
}
