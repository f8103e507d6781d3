import { z } from "zod";
import { INT64_MAX } from "../../proto/loms/v1/limits.ts";
import { orderEvent } from "../../proto/order-event.ts";
import {
  type IncomingMessage,
  REFUSED_BEFORE,
  UnreadableMessageError,
} from "../../shared/bus/bus.ts";
import { parseJson } from "../../shared/json.ts";
import { childTraceparent, parseTraceparent } from "../../shared/telemetry/tracing.ts";
import type { Notification } from "../domain/deps.ts";

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
    return parseJson(text);
  } catch (error) {
    throw unreadable("the value is not JSON", error);
  }
}

function unreadable(problem: string, cause?: unknown): UnreadableMessageError {
  const reason = `Cannot read the order event: ${problem}`;
  return new UnreadableMessageError(reason.slice(0, REASON_LENGTH_MAX), { cause });
}

/** An order id and a seq, such as `7-2`. */
const EVENT_ID = /^([1-9][0-9]{0,18})-([1-9][0-9]{0,8})$/;

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
