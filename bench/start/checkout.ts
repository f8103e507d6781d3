import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROJECT_DIRECTORY } from "../../stack/services.ts";

export interface Checkout {
  readonly directory: string;
  /** The abbreviated commit, marked if files were changed since. */
  readonly version: string;
  close(): void;
}

/** The working tree of this program. */
export function thisCheckout(): Checkout {
  const version = git("describe", "--always", "--dirty", "--exclude", "*");
  return { directory: PROJECT_DIRECTORY, version, close() {} };
}

/**
 * A worktree of a commit with its own packages.
 * @throws {Error} when the commit does not exist or `npm ci` fails
 */
export function checkOut(ref: string): Checkout {
  const version = git("rev-parse", "--short", "--verify", `${ref}^{commit}`);
  const parent = mkdtempSync(join(tmpdir(), "marketplace-bench-"));
  const directory = join(parent, "tree");
  const close = () => {
    git("worktree", "remove", "--force", directory);
    rmSync(parent, { recursive: true, force: true });
  };
  git("worktree", "add", "--quiet", "--detach", directory, version);
  try {
    execFileSync("npm", ["ci", "--silent"], { cwd: directory, stdio: "inherit" });
    return { directory, version, close };
  } catch (error) {
    close();
    throw error;
  }
}

function git(...args: string[]): string {
  return execFileSync("git", args, { cwd: PROJECT_DIRECTORY, encoding: "utf8" }).trim();
}
