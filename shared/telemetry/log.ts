import process from "node:process";
import { type ILogObjMeta, Logger as TsLogger } from "tslog";
import type { LogLevel } from "../config.ts";
import { jsonIntegers } from "../json-integer.ts";
import { prettyLine } from "./log-pretty.ts";

export type ServiceName = "cart" | "loms" | "notifier" | "products" | "stack";
export type LogFormat = "json" | "pretty";
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a line belongs in the trace; a RequestContext is one. */
export interface LogTrace {
  readonly traceId: string;
  readonly spanId: string;
}

/** One line per call: what happened in plain words, and the values as fields in snake_case. */
export interface Logger {
  debug(message: string, fields?: LogFields, trace?: LogTrace): void;
  info(message: string, fields?: LogFields, trace?: LogTrace): void;
  warn(message: string, fields?: LogFields, trace?: LogTrace): void;
  error(message: string, fields?: LogFields, trace?: LogTrace): void;
}

export interface LogOptions {
  readonly service: ServiceName;
  readonly level: LogLevel;
  /** Without one: readable on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  readonly write?: (line: string) => void;
}

/** A log line before it is rendered. */
export interface LogRecord {
  readonly service: ServiceName;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: string;
  readonly trace_id?: string;
  readonly span_id?: string;
  readonly [field: string]: unknown;
}

/** Field names whose values never reach a log. */
const SECRET_KEYS = ["password", "token", "authorization", "secret", "cookie", "api_key"];
/** A password inside a URL, as in postgres://user:password@host. */
const URL_PASSWORD = /(\/\/[^\s:/@"]*:)[^\s/@"]+@/g;
/** An error's chain of causes is cut here; a cycle would never end. */
const CAUSES_MAX = 5;

/** A logger that writes one line per call to stdout, or to `write`. */
export function createLogger(options: LogOptions): Logger {
  const format = options.format ?? (process.stdout.isTTY ? "pretty" : "json");
  const render = format === "pretty" ? prettyLine : jsonLine;
  const write = options.write ?? ((line: string) => void process.stdout.write(line));
  const tslog = new TsLogger<LogRecord>({
    type: "hidden",
    minLevel: options.level.toUpperCase() as Uppercase<LogLevel>,
    stack: { capture: "off" },
    meta: { attachContext: false },
    mask: { keys: SECRET_KEYS, caseInsensitive: true },
  });
  tslog.attachTransport({
    format: (record: LogRecord & ILogObjMeta) => render(record),
    write: (_record, line) => write(`${line.replace(URL_PASSWORD, "$1***@")}\n`),
  });
  const at =
    (level: LogLevel) => (message: string, fields: LogFields = {}, trace?: LogTrace): void => {
      const timestamp = new Date().toISOString();
      const ids = trace && { trace_id: trace.traceId, span_id: trace.spanId };
      const shown = "error" in fields ? { ...fields, error: describeError(fields.error) } : fields;
      tslog[level]({ service: options.service, timestamp, level, message, ...ids, ...shown });
    };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

function jsonLine(record: LogRecord & ILogObjMeta): string {
  const { _logMeta: _, ...line } = record;
  return JSON.stringify(line, jsonIntegers);
}

/** An error as fields: name, message, stack, and its causes. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { message: String(error) };
  const { name, message, stack } = error;
  const code = (error as { code?: unknown }).code;
  const errors = error instanceof AggregateError
    ? { errors: error.errors.slice(0, CAUSES_MAX).map((each) => describeError(each, depth + 1)) }
    : {};
  const cause = error.cause !== undefined && depth < CAUSES_MAX
    ? { cause: describeError(error.cause, depth + 1) }
    : {};
  return { name, message, ...(code === undefined ? {} : { code }), stack, ...errors, ...cause };
}
