import {
  MessagesRefusedError,
  type OutgoingMessage,
  REFUSED_BEFORE,
  type RefusedMessage,
} from "./bus.ts";

/**
 * Rejected messages that one call isolates; later messages are left to the next call. Each costs
 * several requests, and a caller has a deadline.
 */
const REFUSALS_MAX = 20;

export interface SendOptions {
  readonly messages: readonly OutgoingMessage[];
  /** Messages in one request. */
  readonly countMax: number;
  /** Characters in one request of more than one message. */
  readonly charactersMax: number;
  readonly send: (part: readonly OutgoingMessage[]) => Promise<void>;
  /** Why the bus rejects a request permanently; undefined for every other error. */
  readonly refusalOf: (error: unknown) => string | undefined;
}

/** A part of the list. */
interface Part {
  /** The index of its first message in the list. */
  readonly from: number;
  readonly messages: readonly OutgoingMessage[];
}

/**
 * Sends messages in order, in requests of bounded size. A request that is rejected permanently is
 * halved until the message is found. The other messages are sent; those of the same key name it in
 * the header {@link REFUSED_BEFORE}.
 * @throws {MessagesRefusedError} after the last message was sent
 */
export async function sendInParts(options: SendOptions): Promise<void> {
  const { messages, send, refusalOf } = options;
  const refused: RefusedMessage[] = [];
  const refusedIds = new Map<string, string>();
  // A stack: the next part is the last element.
  const waiting = partsOf(options).reverse();
  while (waiting.length > 0 && refused.length < REFUSALS_MAX) {
    const part = waiting.pop() as Part;
    const reason = await send(part.messages.map(marked(refusedIds))).then(
      () => undefined,
      (error: unknown) => {
        const found = refusalOf(error);
        if (found === undefined) throw error;
        return found;
      },
    );
    if (reason === undefined) continue;
    const [message, ...others] = part.messages as [OutgoingMessage, ...OutgoingMessage[]];
    if (others.length > 0) waiting.push(...halvesOf(part));
    else {
      refused.push({ index: part.from, reason });
      const { key, headers } = message;
      if (headers.ce_id) refusedIds.set(key, joined(refusedIds.get(key), headers.ce_id));
    }
  }
  if (refused.length > 0) {
    throw new MessagesRefusedError(refused, waiting.at(-1)?.from ?? messages.length);
  }
}

function marked(refusedIds: ReadonlyMap<string, string>) {
  return (message: OutgoingMessage): OutgoingMessage => {
    const ids = refusedIds.get(message.key);
    if (ids === undefined) return message;
    const { headers } = message;
    return {
      ...message,
      headers: { ...headers, [REFUSED_BEFORE]: joined(headers[REFUSED_BEFORE], ids) },
    };
  };
}

function joined(ids: string | undefined, more: string): string {
  return ids === undefined ? more : `${ids},${more}`;
}

function partsOf({ messages, countMax, charactersMax }: SendOptions): Part[] {
  const parts: Part[] = [];
  let from = 0;
  let characters = 0;
  messages.forEach((message, index) => {
    const size = charactersOf(message);
    const isFull = index - from === countMax || characters + size > charactersMax;
    if (isFull && index > from) {
      parts.push({ from, messages: messages.slice(from, index) });
      from = index;
      characters = 0;
    }
    characters += size;
  });
  return [...parts, { from, messages: messages.slice(from) }];
}

function charactersOf({ key, value, headers }: OutgoingMessage): number {
  const inHeaders = Object.entries(headers)
    .reduce((sum, [name, text]) => sum + name.length + text.length, 0);
  return key.length + value.length + inHeaders;
}

/** The second half first. */
function halvesOf({ from, messages }: Part): [Part, Part] {
  const middle = Math.ceil(messages.length / 2);
  return [
    { from: from + middle, messages: messages.slice(middle) },
    { from, messages: messages.slice(0, middle) },
  ];
}
