import { z } from "zod";
import { orderEvent } from "../../proto/order-event.ts";
import {
  type IncomingMessage,
  REFUSED_BEFORE,
  UnreadableMessageError,
} from "../../shared/bus/bus.ts";
import { childTraceparent, parseTraceparent } from "../../shared/telemetry/tracing.ts";
import type { Notification } from "../domain/deps.ts";

/** An integer in our JSON; not 1.0 or 1e0. */
const INTEGER = /^-?(0|[1-9][0-9]*)$/;
/** No integer of an event is longer; long ones are slow to convert. */
const INTEGER_DIGITS_MAX = 20;
/** The length of a dead letter's reason. */
const REASON_LENGTH_MAX = 500;

/**
 * The notification in a message; unknown fields are ignored.
 * @throws {UnreadableMessageError} with the violated rule
 */
export function readOrderEvent({ value, headers }: IncomingMessage): Notification {
  const result = orderEvent.safeParse(parse(value));
  if (!result.success) throw unreadable(z.prettifyError(result.error), result.error);
  const { id, order_id: orderId, user_id: userId, seq, status, at, reason } = result.data;
  if (id !== `${orderId}-${seq}`) throw unreadable(`id is ${id}, not ${orderId}-${seq}`);
  const traceparent = parseTraceparent(headers.traceparent) ?? childTraceparent(undefined);
  const notification = { orderId, userId, status, seq, at, reason, traceparent };
  return { ...notification, refusedSeqs: refusedSeqs(orderId, headers) };
}

function refusedSeqs(orderId: bigint, headers: IncomingMessage["headers"]): number[] {
  const ids = headers[REFUSED_BEFORE]?.split(",").map(parseEventId) ?? [];
  return ids.flatMap((id) => id?.orderId === orderId ? [id.seq] : []);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
  } catch (error) {
    throw unreadable("the value is not JSON", error);
  }
}

/** Integers above 2^53 as bigint; other numbers as text, which no field of an event accepts. */
function revive(_key: string, value: unknown, context: { readonly source?: string }): unknown {
  if (typeof value !== "number") return value;
  const { source = "" } = context;
  if (!INTEGER.test(source) || source.length > INTEGER_DIGITS_MAX) return `the number ${source}`;
  return Number.isSafeInteger(value) ? value : BigInt(source);
}

function unreadable(problem: string, cause?: unknown): UnreadableMessageError {
  const reason = `Cannot read the order event: ${problem}`;
  return new UnreadableMessageError(reason.slice(0, REASON_LENGTH_MAX), { cause });
}

/** An order id and a seq, such as `7-2`. */
const EVENT_ID = /^([1-9][0-9]{0,18})-([1-9][0-9]{0,8})$/;
const INT64_MAX = 2n ** 63n - 1n;

export interface EventId {
  readonly orderId: bigint;
  readonly seq: number;
}

/** The order and seq in an event's id; undefined for any other text. */
export function parseEventId(text: string): EventId | undefined {
  const [, order, seq] = EVENT_ID.exec(text) ?? [];
  if (order === undefined || BigInt(order) > INT64_MAX) return undefined;
  return { orderId: BigInt(order), seq: Number(seq) };
}
