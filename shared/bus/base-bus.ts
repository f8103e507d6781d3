import { AppError } from "../errors.ts";
import {
  type Bus,
  type DeadLetter,
  MessagesRefusedError,
  type OutgoingMessage,
  REFUSED_BEFORE,
  type RefusedMessage,
  type SubscribeOptions,
  type Subscription,
  type Topic,
} from "./bus.ts";

/**
 * Rejected messages that one call isolates; later messages are left to the next call. Each costs
 * several requests, and a caller has a deadline.
 */
const REFUSALS_MAX = 20;

/** What every bus does the same way: topics are created once, failures become AppErrors. */
export abstract class BaseBus<OwnSubscription extends Subscription> implements Bus {
  protected readonly subscriptions = new Set<OwnSubscription>();
  readonly #ensured = new Map<string, Promise<void>>();
  #closed = false;

  protected abstract createTopic(topic: Topic): Promise<void>;
  protected abstract sending(topic: Topic): Omit<SendOptions, "messages">;
  /** Adds the subscription to {@link subscriptions} before it joins the group. */
  protected abstract join(options: SubscribeOptions): Promise<OwnSubscription>;
  protected abstract readLag(topic: Topic, group: string): Promise<number>;
  protected abstract readDeadLetters(topic: Topic, max: number): Promise<readonly DeadLetter[]>;
  protected abstract replayDeadLetters(topic: Topic, max: number): Promise<number>;
  /** Called once no subscription is open. */
  protected abstract disconnect(): Promise<void>;

  ensureTopic(topic: Topic): Promise<void> {
    return this.#run(topic, `create ${topic.name}`, () => Promise.resolve());
  }

  async publish(topic: Topic, messages: readonly OutgoingMessage[]): Promise<void> {
    if (messages.length === 0) return;
    const what = `publish ${messages.length} messages to ${topic.name}`;
    await this.#run(topic, what, () => sendInParts({ messages, ...this.sending(topic) }));
  }

  subscribe(options: SubscribeOptions): Promise<Subscription> {
    const { topic, group } = options;
    return this.#run(topic, `subscribe ${group} to ${topic.name}`, () => this.join(options));
  }

  lag(topic: Topic, group: string): Promise<number> {
    return this.#run(topic, `read the lag of ${group}`, () => this.readLag(topic, group));
  }

  readDeadLetterQueue(topic: Topic, max: number): Promise<readonly DeadLetter[]> {
    const what = `read ${topic.deadLetterQueue}`;
    return this.#run(topic, what, () => this.readDeadLetters(topic, max));
  }

  replayDeadLetterQueue(topic: Topic, max: number): Promise<number> {
    const what = `replay ${topic.deadLetterQueue}`;
    return this.#run(topic, what, () => this.replayDeadLetters(topic, max));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([...this.subscriptions].map((subscription) => subscription.close()));
    await this.disconnect();
  }

  /**
   * Runs `call` once the topic exists: creates it, unless that was done since the last failure. So
   * a call also fails fast when the bus is unavailable.
   * @throws {AppError} the one that `call` throws, else `unavailable`
   */
  async #run<Result>(topic: Topic, what: string, call: () => Promise<Result>): Promise<Result> {
    if (this.#closed) throw new AppError("unavailable", `Cannot ${what}: the bus is closed`);
    try {
      const ensured = this.#ensured.get(topic.name) ?? this.createTopic(topic);
      this.#ensured.set(topic.name, ensured);
      await ensured;
      return await call();
    } catch (error) {
      // The topic may have been deleted, so the next call checks it again.
      this.#ensured.clear();
      if (error instanceof AppError) throw error;
      throw new AppError("unavailable", `Cannot ${what}`, { cause: error });
    }
  }
}

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

/** A part of a list: the index of its first message, and of the one after its last. */
type Part = readonly [from: number, to: number];

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
    const [from, to] = waiting.pop() as Part;
    const part = messages.slice(from, to).map((message) => marked(message, refusedIds));
    const reason = await send(part).then(() => undefined, (error: unknown) => {
      const found = refusalOf(error);
      if (found === undefined) throw error;
      return found;
    });
    if (reason === undefined) continue;
    const middle = Math.ceil((from + to) / 2);
    if (middle < to) waiting.push([middle, to], [from, middle]);
    else {
      refused.push({ index: from, reason });
      const { key, headers: { ce_id: id } } = messages[from] as OutgoingMessage;
      if (id) refusedIds.set(key, joined(refusedIds.get(key), id));
    }
  }
  if (refused.length === 0) return;
  throw new MessagesRefusedError(refused, waiting.at(-1)?.[0] ?? messages.length);
}

function marked(message: OutgoingMessage, refusedIds: ReadonlyMap<string, string>) {
  const ids = refusedIds.get(message.key);
  if (ids === undefined) return message;
  const { headers } = message;
  const named = { [REFUSED_BEFORE]: joined(headers[REFUSED_BEFORE], ids) };
  return { ...message, headers: { ...headers, ...named } };
}

function joined(ids: string | undefined, more: string): string {
  return ids === undefined ? more : `${ids},${more}`;
}

function partsOf({ messages, countMax, charactersMax }: SendOptions): Part[] {
  const parts: Part[] = [];
  let [from, characters] = [0, 0];
  for (const [index, { key, value, headers }] of messages.entries()) {
    const size = [key, value, ...Object.entries(headers).flat()].join("").length;
    if (index > from && (index - from === countMax || characters + size > charactersMax)) {
      parts.push([from, index]);
      [from, characters] = [index, 0];
    }
    characters += size;
  }
  return [...parts, [from, messages.length]];
}
