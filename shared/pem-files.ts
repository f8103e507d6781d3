import { readFileSync } from "node:fs";
import { ConfigError, type SettingProblem } from "./config.ts";

const PEM_BEGINS = "-----BEGIN ";
const PEM_LINE = /^-----BEGIN /m;

/** Whether a PEM text has content: for Node, an empty authority means all public ones. */
export function isPem(text: string): boolean {
  return PEM_LINE.test(text);
}

/**
 * The PEM texts of files named in the settings, by their role.
 * @param names the setting of each role; settings without a value are omitted
 * @throws {ConfigError} naming every file that cannot be read or has no PEM text
 */
export function readPemFiles<Part extends string>(
  config: Readonly<Record<string, unknown>>,
  names: Readonly<Record<Part, string>>,
): Partial<Record<Part, string>> {
  const read: Partial<Record<Part, string>> = {};
  const problems: SettingProblem[] = [];
  for (const [part, name] of Object.entries<string>(names)) {
    const given = config[name];
    if (typeof given !== "string" || given === "") continue;
    try {
      // Where files are hard to mount, the value may be the text itself.
      const text = given.startsWith(PEM_BEGINS) ? given : readFileSync(given, "utf8");
      if (isPem(text)) read[part as Part] = text;
      else problems.push({ name, message: `names ${given}, a file without ${PEM_BEGINS.trim()}` });
    } catch (error) {
      // Without the value, which may be a damaged key.
      const message = `cannot be read (${(error as { code?: string }).code})`;
      problems.push({ name, message });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
}
