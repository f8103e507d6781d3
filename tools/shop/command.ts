import { type Outcome, UsageError, wholeNumber } from "../tool.ts";
import type { Shop } from "./shop.ts";

/** What a command takes; one with a question mark may be left out. */
export type Parameter = "user" | "sku" | "order" | `${keyof Arguments}?`;

export interface Arguments
  extends Readonly<Record<"user" | "sku" | "order" | "count" | "page" | "after", bigint>> {
  /** What the buyer agrees to; undefined when that was not said. */
  readonly total?: bigint;
}

export interface ShopOutcome extends Outcome {
  /** The order that was made, which `pay` and `cancel` then mean. */
  readonly order?: bigint;
  /** What the cart costs, as the buyer saw it, which `checkout` then agrees to. */
  readonly total?: bigint;
}

export interface Command {
  readonly takes: readonly Parameter[];
  /** What it does, in a line. */
  readonly about: string;
  /** What the buyer saw of the cart before is not what it costs now. */
  readonly changesCart?: true;
  /** @throws what the clients throw: a problem, or the error of a connection */
  run(shop: Shop, given: Arguments): Promise<ShopOutcome>;
}

/** What an interactive session fills in by itself. */
export interface Session {
  user: bigint;
  order: bigint | undefined;
  /** What the user's cart costs, as it was shown last. */
  total: bigint | undefined;
}

/** Left out, these mean: one piece, ten products, from the first one on, everybody. */
const DEFAULTS = { count: 1n, page: 10n, after: 0n, user: 0n } as const;

/**
 * The arguments of a command. In a session the user is known and never written, and the order and
 * the total that was shown may be left out.
 * @throws {UsageError} naming what is missing, too much or no number
 */
export function readArguments(
  name: string,
  takes: readonly Parameter[],
  words: readonly string[],
  session?: Session,
): Arguments {
  const given: Partial<Record<keyof Arguments, bigint>> = { ...DEFAULTS };
  const rest = [...words];
  for (const parameter of takes) {
    const key = parameter.replace("?", "") as keyof Arguments;
    const shown = key.toUpperCase();
    const known = fromSession(key, rest, session);
    const word = known === undefined ? rest.shift() : undefined;
    const value = word === undefined ? known : wholeNumber(shown, word, 0n);
    if (value !== undefined) given[key] = value;
    else if (!parameter.endsWith("?")) throw new UsageError(`${name} lacks ${shown}`);
  }
  if (rest.length > 0) throw new UsageError(`${name} takes no "${rest[0]}"`);
  return given as Arguments;
}

function fromSession(
  key: string,
  rest: readonly string[],
  session: Session | undefined,
): bigint | undefined {
  if (key === "user") return session?.user;
  const isKnown = (key === "order" || key === "total") && rest.length === 0;
  return isKnown ? session?.[key] : undefined;
}
