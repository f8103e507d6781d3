import process from "node:process";
import { Logger as TsLogger } from "tslog";
import { LOG_LEVELS, type LogLevel } from "../config.ts";
import { exceptionFields } from "./describe-error.ts";
import { jsonLine, type LogRecord, prettyLine, type ServiceName } from "./log-record.ts";
import { redacted } from "../redact.ts";
import { stdoutLines } from "./bounded-lines.ts";

export type LogFormat = "json" | "pretty";
export type LogFields = Readonly<Record<string, unknown>>;

/** The ids of a span; a RequestContext has them. */
export interface LogTrace {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * Writes one line per call: a plain message, and values as fields in snake_case. The field `error`
 * takes any thrown value and becomes the `exception_…` fields of OpenTelemetry.
 */
export interface Logger {
  debug(message: string, fields?: LogFields, trace?: LogTrace): void;
  info(message: string, fields?: LogFields, trace?: LogTrace): void;
  warn(message: string, fields?: LogFields, trace?: LogTrace): void;
  error(message: string, fields?: LogFields, trace?: LogTrace): void;
}

/** The log of a whole process. */
export interface ProcessLog extends Logger {
  /** Lines below it are not written; may be changed at any time. */
  level: LogLevel;
  /** Lines dropped since the start because the reader of stdout was slow. */
  readonly lost: number;
  /** Resolves once the written lines have left the process, or after `maxMs`. */
  flush(maxMs: number): Promise<void>;
}

export interface LogOptions {
  readonly service: ServiceName;
  readonly level: LogLevel;
  /** By default readable on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  /** Receives the lines instead of stdout. */
  readonly write?: (line: string) => void;
}

/** A log that writes one line per call to stdout, or to `write`. Its calls never throw or wait. */
export function createLogger(options: LogOptions): ProcessLog {
  const { service, write } = options;
  const format = options.format ?? (process.stdout.isTTY ? "pretty" : "json");
  const render = format === "pretty" ? prettyLine : jsonLine;
  const lines = write ? undefined : stdoutLines((count) => {
    log.warn("log lines were lost because the reader is slow", { lines: count });
  });
  const tslog = openTslog(render, write ?? ((line) => lines?.write(line)));
  let least = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel): Logger["info"] => {
    const rank = LOG_LEVELS.indexOf(level);
    return (message, fields = {}, trace) => {
      if (rank < least) return;
      const timestamp = new Date().toISOString();
      const ids = trace && { trace_id: trace.traceId, span_id: trace.spanId };
      const record = { service, timestamp, level, message, ...ids, ...shownFields(fields) };
      tslog[level]({ record });
    };
  };
  const log: ProcessLog = {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    get level() {
      return LOG_LEVELS[least] as LogLevel;
    },
    set level(level) {
      least = LOG_LEVELS.indexOf(level);
    },
    get lost() {
      return lines?.lost ?? 0;
    },
    flush: (maxMs) => lines?.flush(maxMs) ?? Promise.resolve(),
  };
  return log;
}

function shownFields(fields: LogFields): LogFields {
  if (!("error" in fields)) return fields;
  const { error, ...others } = fields;
  return { ...others, ...exceptionFields(error) };
}

/**
 * The argument of tslog, which copies an object three times, so the record is one property of it.
 */
interface Logged {
  readonly record: LogRecord;
}

/** tslog without its own fields and masks, which are slower than everything else. */
function openTslog(
  render: (record: LogRecord) => string,
  write: (line: string) => void,
): TsLogger<Logged> {
  const tslog = new TsLogger<Logged>({
    type: "hidden",
    minLevel: "DEBUG",
    stack: { capture: "off" },
    meta: { attachContext: false },
  });
  tslog.attachTransport({
    format: ({ record }: Logged) => renderSafely(record, render),
    write: (_record, line) => write(`${line}\n`),
  });
  return tslog;
}

/** A field that cannot be rendered must not lose its line or fail its request. */
function renderSafely(record: LogRecord, render: (record: LogRecord) => string): string {
  try {
    return redacted(record, render);
  } catch (error) {
    const { service, timestamp, level, message } = record;
    return redacted({ service, timestamp, level, message, unwritable: String(error) }, render);
  }
}
