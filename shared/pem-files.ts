import { readFileSync } from "node:fs";
import { ConfigError, type SettingProblem } from "./config.ts";

const PEM_BEGINS = "-----BEGIN ";
const PEM_LINE = /^-----BEGIN /m;

/** Whether a PEM text has content: for Node, an empty authority means all public ones. */
export function isPem(text: string): boolean {
  return PEM_LINE.test(text);
}

/** PEM texts for TLS: authorities that replace the default ones, and a client certificate. */
export interface Certificates {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/**
 * The PEM texts of files named in the settings.
 * @param names the setting of each file; settings without a value are omitted
 * @throws {ConfigError} naming every file that cannot be read or has no PEM text
 */
export function readPemFiles(
  config: Readonly<Record<string, unknown>>,
  names: Readonly<Record<keyof Certificates, string>>,
): Certificates {
  const read: Record<string, string> = {};
  const problems: SettingProblem[] = [];
  for (const [part, name] of Object.entries(names)) {
    const given = config[name];
    if (typeof given !== "string" || given === "") continue;
    try {
      // Where files are hard to mount, the value may be the text itself.
      const text = given.startsWith(PEM_BEGINS) ? given : readFileSync(given, "utf8");
      if (isPem(text)) read[part] = text;
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
