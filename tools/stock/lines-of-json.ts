/** Text of a file and the line on which it begins, from 1. */
export interface TextAt {
  readonly text: string;
  readonly line: number;
}

export interface LineError {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** A file with errors; none of it may be sent. */
export class FileError extends Error {
  override readonly name = "FileError";
  readonly errors: readonly LineError[];

  constructor(...errors: readonly LineError[]) {
    super(`${errors.length} ${errors.length === 1 ? "line has an error" : "lines have errors"}`);
    this.errors = errors;
  }
}

const BEGIN = /\s*\[\s*/y;
const END = /\s*\]\s*$/y;
/** An object without nested objects, and its separator. */
const OBJECT = /(\{(?:"(?:[^"\\]|\\.)*"|[^"{}])*\})\s*(?:,\s*|(?=\]))/y;

/**
 * The objects of a JSON array as text, with their lines, which JSON.parse does not report. Each may
 * still be invalid JSON.
 * @throws {FileError} at text that is neither such an object nor the end of the array
 */
export function objectsOf(json: string): TextAt[] {
  const objects: TextAt[] = [];
  let line = 1;
  let at = 0;
  const next = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const found = pattern.exec(json);
    if (found) at = pattern.lastIndex;
    return found;
  };
  const pass = (text: string) => void (line += text.split("\n").length - 1);

  const begin = next(BEGIN);
  if (!begin) throw new FileError({ line, message: "must be a JSON array" });
  pass(begin[0]);
  for (let found = next(OBJECT); found; found = next(OBJECT)) {
    objects.push({ text: found[1] as string, line });
    pass(found[0]);
  }
  const message = "must be an object, and the array must end";
  if (!next(END)) throw new FileError({ line, message });
  return objects;
}
