import { posix } from "node:path";

/** The text of each file by its path from the project's root. */
export type SourceTree = ReadonlyMap<string, string>;

export const LINE_MAX = 100;

/** Imports, exports and types, static and dynamic: all forms contain a relative path. */
const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*"(\.[^"]+)"/g;
const SOURCE = /\.(ts|js|sql)$/;
const TEST = /\.test\.ts$|-contract\.ts$|-fixture\.ts$|(^|\/)test\//;
const GENERATED = /(^|\/)gen\/|\.gen\.ts$/;
/** Shipped files never change. */
const MIGRATION = /\/migrations\//;
/** Files that are not part of the product. */
const BESIDE = /^(bench|e2e|deploy)\//;

export function isTest(path: string): boolean {
  return TEST.test(path);
}

/** Whether a file is hand-written source of the product. */
export function isSource(path: string): boolean {
  return SOURCE.test(path) &&
    ![TEST, GENERATED, MIGRATION, BESIDE].some((pattern) => pattern.test(path));
}

export function topFolder(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : ".";
}

/** The folder below shared, or the file directly in it; undefined outside. */
export function sharedFolder(path: string): string | undefined {
  return path.startsWith("shared/") ? path.split("/").slice(0, 2).join("/") : undefined;
}

/**
 * The import circles among groups of files, types included. Each is the list of its groups and one
 * import for each pair of them.
 * @param groupOf returns the group of a path; undefined excludes the file
 */
export function circles(
  tree: SourceTree,
  groupOf: (path: string) => string | undefined,
): { readonly groups: readonly string[]; readonly imports: readonly string[] }[] {
  const edges = new Map<string, Map<string, string>>();
  for (const [path, text] of tree) {
    const from = groupOf(path);
    for (const [, specifier = ""] of text.matchAll(IMPORT)) {
      const imported = posix.join(posix.dirname(path), specifier);
      const to = tree.has(imported) ? groupOf(imported) : undefined;
      if (!from || !to || from === to) continue;
      const own = edges.get(from) ?? new Map<string, string>();
      edges.set(from, own.has(to) ? own : own.set(to, `${path} imports ${imported}`));
    }
  }
  return components(edges).map((groups) => ({
    groups,
    imports: groups.flatMap((from) => groups.flatMap((to) => edges.get(from)?.get(to) ?? [])),
  }));
}

/** The strongly connected components of more than one node. */
function components(edges: ReadonlyMap<string, ReadonlyMap<string, string>>): string[][] {
  const reach = new Map([...edges.keys()].map((node) => [node, reachable(edges, node)]));
  const found: string[][] = [];
  for (const node of [...edges.keys()].sort()) {
    if (found.flat().includes(node)) continue;
    const group = [...reach.get(node) ?? []].filter((other) => reach.get(other)?.has(node));
    if (group.length > 1) found.push(group.sort());
  }
  return found;
}

function reachable(
  edges: ReadonlyMap<string, ReadonlyMap<string, string>>,
  start: string,
): Set<string> {
  const seen = new Set<string>();
  const open = [start];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    for (const next of edges.get(node)?.keys() ?? []) {
      if (!seen.has(next)) open.push(next);
      seen.add(next);
    }
  }
  return seen;
}

/** `path:line` of each line that is too long, except in generated and shipped files. */
export function longLines(tree: SourceTree): string[] {
  return [...tree]
    .filter(([path]) => !GENERATED.test(path) && !MIGRATION.test(path))
    .flatMap(([path, text]) =>
      text.split("\n").flatMap((line, index) =>
        [...line].length > LINE_MAX ? [`${path}:${index + 1}`] : []
      )
    );
}
