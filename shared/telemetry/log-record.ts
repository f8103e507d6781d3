import type { LogLevel } from "../config.ts";
import { jsonIntegers } from "../json.ts";

export type ServiceName = "cart" | "loms" | "notifier" | "products" | "stack";

/** An unrendered log line. */
export interface LogRecord {
  readonly service: ServiceName;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly [field: string]: unknown;
}

/** Few lines have a bigint, and a replacer takes as long as the rest. */
export function jsonLine(record: LogRecord): string {
  try {
    return JSON.stringify(record);
  } catch {
    return JSON.stringify(record, jsonIntegers);
  }
}

/** An ANSI foreground colour per service, to distinguish mixed lines. */
const SERVICE_COLOUR = {
  cart: 36,
  loms: 33,
  notifier: 35,
  products: 34,
  stack: 32,
} as const satisfies Record<ServiceName, number>;
const LEVEL_COLOUR = { debug: 90, info: 0, warn: 93, error: 91 } as const;
const SERVICE_WIDTH = 8;
const GREY = 90;

function colour(code: number, text: string): string {
  return `\u001b[${code}m${text}\u001b[0m`;
}

/** A line for a terminal: time, service, message, then the fields as name=value. */
export function prettyLine(record: LogRecord): string {
  const { service, timestamp, level, message, trace_id, span_id: _, ...others } = record;
  const { exception_type: _type, exception_message, exception_stacktrace, ...fields } = others;
  const exception = exception_stacktrace ?? exception_message;
  const pairs = Object.entries(fields).map(([name, value]) => `${name}=${showValue(value)}`);
  const head = [
    colour(GREY, timestamp.slice(11, 23)),
    colour(SERVICE_COLOUR[service], service.padEnd(SERVICE_WIDTH)),
    colour(LEVEL_COLOUR[level], message),
    ...pairs,
    ...(trace_id ? [colour(GREY, trace_id.slice(0, 8))] : []),
  ].join(" ");
  return exception ? `${head}\n${colour(LEVEL_COLOUR.error, String(exception))}` : head;
}

/** A field's value; quoted if it could be mistaken for the next field. */
export function showValue(value: unknown): string {
  if (typeof value === "string" && /^[^\s"=]+$/.test(value)) return value;
  return JSON.stringify(value, jsonIntegers) ?? String(value);
}
