/** As in `7-2`: an order and a seq, each within its type. */
const EVENT_ID = /^([1-9][0-9]{0,18})-([1-9][0-9]{0,8})$/;
const INT64_MAX = 2n ** 63n - 1n;

export interface EventId {
  readonly orderId: bigint;
  readonly seq: number;
}

/** The order and the seq that an event's id names; undefined for any other text. */
export function parseEventId(text: string): EventId | undefined {
  const [, order, seq] = EVENT_ID.exec(text) ?? [];
  if (order === undefined || BigInt(order) > INT64_MAX) return undefined;
  return { orderId: BigInt(order), seq: Number(seq) };
}
