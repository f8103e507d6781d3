import process from "node:process";
import { type ILogObjMeta, Logger as TsLogger } from "tslog";
import { LOG_LEVELS, type LogLevel } from "../config.ts";
import { jsonIntegers } from "../json-integer.ts";
import { exceptionFields } from "./describe-error.ts";
import { prettyLine } from "./log-pretty.ts";
import { redacted } from "./redact.ts";
import { stdoutLines } from "./stdout-lines.ts";

export type ServiceName = "cart" | "loms" | "notifier" | "products" | "stack";
export type LogFormat = "json" | "pretty";
export type LogFields = Readonly<Record<string, unknown>>;

/** Where a line belongs in the trace; a RequestContext is one. */
export interface LogTrace {
  readonly traceId: string;
  readonly spanId: string;
}

/**
 * One line per call: what happened in plain words, and the values as fields in snake_case. The
 * field `error` takes anything thrown and becomes OpenTelemetry's `exception_…` fields.
 */
export interface Logger {
  debug(message: string, fields?: LogFields, trace?: LogTrace): void;
  info(message: string, fields?: LogFields, trace?: LogTrace): void;
  warn(message: string, fields?: LogFields, trace?: LogTrace): void;
  error(message: string, fields?: LogFields, trace?: LogTrace): void;
}

/** The log of a whole process. */
export interface ProcessLog extends Logger {
  /** What is below it is not written; it may be set at any time. */
  level: LogLevel;
  /** Lines that were dropped since the start, because whoever reads them was slow. */
  readonly lost: number;
  /** Resolves once what was written is out of the process, or after `maxMs`. */
  flush(maxMs: number): Promise<void>;
}

export interface LogOptions {
  readonly service: ServiceName;
  readonly level: LogLevel;
  /** Without one: readable on a terminal, JSON elsewhere. */
  readonly format?: LogFormat | undefined;
  /** Takes each line, in place of stdout. */
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

/** A log that writes one line per call to stdout, or to `write`. Its calls never throw or wait. */
export function createLogger(options: LogOptions): ProcessLog {
  const { service, write } = options;
  const format = options.format ?? (process.stdout.isTTY ? "pretty" : "json");
  const render = format === "pretty" ? prettyLine : jsonLine;
  const lines = write ? undefined : stdoutLines((count) => {
    log.warn("log lines were lost, since whoever reads them is slow", { lines: count });
  });
  const tslog = openTslog(render, write ?? ((line) => lines?.write(line)));
  let least = LOG_LEVELS.indexOf(options.level);
  const at = (level: LogLevel): Logger["info"] => {
    const rank = LOG_LEVELS.indexOf(level);
    return (message, fields = {}, trace) => {
      if (rank < least) return;
      const timestamp = new Date().toISOString();
      const ids = trace && { trace_id: trace.traceId, span_id: trace.spanId };
      tslog[level]({ service, timestamp, level, message, ...ids, ...shownFields(fields) });
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

/** tslog with nothing of its own on a line, and no masks: they cost more than all the rest. */
function openTslog(
  render: (record: LogRecord) => string,
  write: (line: string) => void,
): TsLogger<LogRecord> {
  const tslog = new TsLogger<LogRecord>({
    type: "hidden",
    minLevel: "DEBUG",
    stack: { capture: "off" },
    meta: { attachContext: false },
  });
  tslog.attachTransport({
    format: ({ _logMeta: _, ...record }: LogRecord & ILogObjMeta) => renderSafely(record, render),
    write: (_record, line) => write(`${line}\n`),
  });
  return tslog;
}

/** A field that cannot be written must not take its line, or its request, with it. */
function renderSafely(record: LogRecord, render: (record: LogRecord) => string): string {
  try {
    return redacted(record, render);
  } catch (error) {
    const { service, timestamp, level, message } = record;
    return redacted({ service, timestamp, level, message, unwritable: String(error) }, render);
  }
}

function jsonLine(record: LogRecord): string {
  return JSON.stringify(record, jsonIntegers);
}
