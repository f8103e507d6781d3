import type { ProductClient } from "../../shared/products/product-client.ts";
import type { cartClient, lomsClient } from "../clients/clients.ts";
import { type Outcome, UsageError, wholeNumber } from "../tool.ts";

/** The system as its users see it; the caller closes its product client. */
export interface Shop {
  readonly cart: ReturnType<typeof cartClient>;
  readonly loms: ReturnType<typeof lomsClient>;
  readonly products: ProductClient;
  /** The log of this system's notifier; undefined if it is on another machine. */
  readonly notifierLog: string | undefined;
}

/** The parameters of a command; one with a question mark is optional. */
export type Parameter = "user" | "sku" | "order" | `${keyof Arguments}?`;

export interface Arguments
  extends Readonly<Record<"user" | "sku" | "order" | "count" | "page" | "after", bigint>> {
  /** The total that the buyer agrees to; undefined if none was given. */
  readonly total?: bigint;
}

export interface ShopOutcome extends Outcome {
  /** The created order, the default of `pay` and `cancel`. */
  readonly order?: bigint;
  /** The total of the cart as shown, to which `checkout` then agrees. */
  readonly total?: bigint;
}

export interface Command {
  readonly takes: readonly Parameter[];
  /** The description in the usage, one line. */
  readonly about: string;
  /** The total shown before is not the current one. */
  readonly changesCart?: true;
  /** @throws a problem or a connection error, as the clients do */
  run(shop: Shop, given: Arguments): Promise<ShopOutcome>;
}

/** Defaults of an interactive session. */
export interface Session {
  user: bigint;
  order: bigint | undefined;
  /** The total of the user's cart as last shown. */
  total: bigint | undefined;
}

/** Defaults: one piece, ten products, from the first one on, every user. */
const DEFAULTS = { count: 1n, page: 10n, after: 0n, user: 0n } as const;

/**
 * The arguments of a command. In a session the user is fixed and never typed, and the order and the
 * shown total may be omitted.
 * @throws {UsageError} naming an argument that is missing, unknown or not a number
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
