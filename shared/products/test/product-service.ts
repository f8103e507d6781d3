import { sleep } from "../../async/request-context.ts";
import type { VirtualClock } from "../../async/test/virtual-clock.ts";
import type { Fetch } from "../../http-client/direct-fetch.ts";

export interface ReceivedCall {
  readonly at: number;
  readonly url: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly traceparent: string | null;
  readonly userAgent: string | null;
}

/** The answer to one call; `hang` never answers. */
export type Reply = Response | Error | "hang";

/**
 * A product service in memory, as the `fetch` of a client. Every SKU is a product with the SKU as
 * its price, unless `nextReplies` or `reply` is set.
 */
export class TestProductService {
  readonly received: ReceivedCall[] = [];
  /** Answers of the next calls, in order. */
  readonly nextReplies: Reply[] = [];
  latencyMs = 0;
  reply: (call: ReceivedCall) => Reply = ({ body }) =>
    Response.json(
      "sku" in body ? { name: `Product ${body.sku}`, price: body.sku } : { skus: [1, 2] },
    );
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  readonly fetch: Fetch = async (input, init) => {
    const { signal } = init as { signal: AbortSignal };
    signal.throwIfAborted();
    const headers = new Headers(init?.headers);
    const call: ReceivedCall = {
      at: this.#clock.now(),
      url: String(input),
      body: JSON.parse(String(init?.body)),
      traceparent: headers.get("traceparent"),
      userAgent: headers.get("user-agent"),
    };
    this.received.push(call);
    const reply = this.nextReplies.shift() ?? this.reply(call);
    await sleep(this.#clock, reply === "hang" ? 2 ** 31 : this.latencyMs, signal);
    if (reply instanceof Error) throw reply;
    return reply as Response;
  };
}
