export interface BannedWord {
  readonly pattern: RegExp;
  readonly instead: string;
}

/** Words to avoid in prose and identifiers, with their replacements. */
export const BANNED_WORDS: readonly BannedWord[] = [
  { pattern: /door/i, instead: "transport, gRPC server, HTTP gateway, listener" },
  { pattern: /\bpapers?\b/i, instead: "document" },
  { pattern: /\brooms?\b/i, instead: "folder" },
  { pattern: /seldom/i, instead: "throttled" },
  { pattern: /\b(bury|buries|buried|burying)\b/i, instead: "dead-letter" },
  { pattern: /\blanes?\b/i, instead: "per-key queue" },
  { pattern: /PlaceInTrace/, instead: "StartTraceparent" },
  { pattern: /\b([Nn]obody|[Ww]hoever|[Ww]hom)\b/, instead: "the caller, the client, an operator" },
  { pattern: /\b(tells?|told|telling)\b/i, instead: "reports, returns, logs, states" },
  { pattern: /\bask(s|ed|ing)?\b(?!`)/i, instead: "requests, queries, calls, submits" },
  { pattern: /\bfor good\b/i, instead: "permanently" },
  { pattern: /\bfor ever\b/i, instead: "forever, without a bound" },
  { pattern: /\bturns?(ed)? away\b|turnAway/i, instead: "rejects" },
  { pattern: /\bwant of\b/i, instead: "without" },
  { pattern: /\bcomes? again\b/i, instead: "is retried, is redelivered" },
  { pattern: /\bat hand\b/i, instead: "current" },
  { pattern: /\bis well\b(?!.formed)/i, instead: "is valid, is healthy" },
  { pattern: /\bsays? so\b/i, instead: "reports it" },
  { pattern: /\bhand(s|ed|ing)? (over|on)\b/i, instead: "passes, forwards" },
  { pattern: /\bh(o|e)lds? up\b/i, instead: "delays, blocks" },
  { pattern: /\bwithout a word\b/i, instead: "silently" },
  { pattern: /\bdone with\b/i, instead: "has processed, has acknowledged" },
  { pattern: /\b[Dd]ead letters\b/, instead: "dead-letter queue" },
  { pattern: /\banew\b/i, instead: "again, new" },
  { pattern: /\bunder way\b/i, instead: "in progress" },
  { pattern: /\b(some|any)body\b/i, instead: "the caller, the client, an operator" },
  { pattern: /\bcan(not)? be had\b/i, instead: "is available, is unavailable" },
  { pattern: /\bh(o|e)lds? against\b/i, instead: "checks against, conforms to" },
  { pattern: /\b(its|their) turn\b/i, instead: "a permit, the rate limit" },
  { pattern: /\bgo(es)? on\b/i, instead: "continues" },
  { pattern: /\bst(an|oo)ds? in the way\b/i, instead: "prevents, the violated precondition" },
  { pattern: /\bsettles? for\b/i, instead: "accepts, falls back to" },
  { pattern: /\bmend(s|ed|ing)?\b/i, instead: "corrects, repairs" },
  { pattern: /\bbears?\b/i, instead: "supports, allows" },
  { pattern: /\b(knows|knew)\b/i, instead: "has, reads, imports, maps" },
  { pattern: /\blast words\b/i, instead: "last output" },
  { pattern: /->>\w+: .*;|Note over .*;/, instead: "a comma: ';' ends a statement of Mermaid" },
];

export interface Finding {
  /** From 1. */
  readonly line: number;
  readonly word: string;
  readonly instead: string;
}

/** The banned words of a text, line by line, also in `camelCase` and `CONSTANT_CASE`. */
export function bannedWords(text: string): Finding[] {
  return text.split("\n").flatMap((content, index) => {
    const words = content.replace(/([a-z\d])(?=[A-Z])|(?<=[A-Z])_(?=[A-Z])/g, "$1 ");
    return BANNED_WORDS.flatMap(({ pattern, instead }) => {
      const [word] = pattern.exec(content) ?? pattern.exec(words) ?? [];
      return word === undefined ? [] : [{ line: index + 1, word, instead }];
    });
  });
}
