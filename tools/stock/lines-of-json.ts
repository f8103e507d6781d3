/** Text of a file and the line on which it begins, from 1. */
export interface TextAt {
  readonly text: string;
  readonly line: number;
}

/** A file that cannot be read, with the line. */
export class UnreadableError extends Error {
  override readonly name = "UnreadableError";
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

const BEGIN = /\s*\[\s*/y;
const END = /\s*\]\s*$/y;
/** An object without others inside, and what separates it from the next one. */
const OBJECT = /(\{(?:"(?:[^"\\]|\\.)*"|[^"{}])*\})\s*(?:,\s*|(?=\]))/y;

/**
 * The objects of a JSON array as text, with their lines, which JSON.parse does not report. Each may
 * still be invalid JSON.
 * @throws {UnreadableError} at what is neither such an object nor the end of the array
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
  if (!begin) throw new UnreadableError(line, "must be a JSON array");
  pass(begin[0]);
  for (let found = next(OBJECT); found; found = next(OBJECT)) {
    objects.push({ text: found[1] as string, line });
    pass(found[0]);
  }
  if (!next(END)) throw new UnreadableError(line, "must be an object, and the array must end");
  return objects;
}
