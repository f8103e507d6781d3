import { readFileSync } from "node:fs";
import { ConfigError, type SettingProblem } from "./config.ts";

const PEM_BEGINS = "-----BEGIN ";
const PEM_LINE = /^-----BEGIN /m;

/** Whether there is anything in a PEM text: Node takes an empty authority for all public ones. */
export function isPem(text: string): boolean {
  return PEM_LINE.test(text);
}

/**
 * The PEM texts that settings name as files, by the part that each plays.
 * @param names the setting of each part; one that is not set is left out
 * @throws {ConfigError} naming every file that cannot be read or holds no PEM text
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
      // Where files are hard to mount, the text itself may be the value.
      const text = given.startsWith(PEM_BEGINS) ? given : readFileSync(given, "utf8");
      if (isPem(text)) read[part as Part] = text;
      else problems.push({ name, message: `names ${given}, a file without ${PEM_BEGINS.trim()}` });
    } catch (error) {
      // Without the value, which may be the key itself, badly pasted.
      const message = `cannot be read (${(error as { code?: string }).code})`;
      problems.push({ name, message });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return read;
}
