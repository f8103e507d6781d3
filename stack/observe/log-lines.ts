import { LOG_LEVELS, type LogLevel } from "../../shared/config.ts";
import { parseJson } from "../../shared/json.ts";
import { type LogRecord, showValue } from "../../shared/telemetry/log-record.ts";

/** About 2 MB; lines longer than a stack trace are cut. */
const LINES_MAX = 5_000;
const TEXT_MAX_CHARACTERS = 4_000;

export interface LogLine {
  readonly service: string;
  readonly timestamp: string;
  readonly level: LogLevel;
  readonly message: string;
  /** Empty on a line without a request. */
  readonly traceId: string;
  /** The other fields as text, because a browser would round large numbers. */
  readonly fields: string;
}

export interface LogFilter {
  readonly service?: string | undefined;
  /** This level and those above. */
  readonly level?: LogLevel | undefined;
  readonly traceId?: string | undefined;
  /** Searches the message and the fields, ignoring case. */
  readonly text?: string | undefined;
}

/** The latest log lines of all services. */
export class LogLines {
  readonly #lines: LogLine[] = [];

  /** Adds a line as written; a line that is not a log record is a runtime's last output. */
  add(service: string, line: string): void {
    this.#lines.push(readLine(service, line));
    if (this.#lines.length > 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX);
  }

  /** The latest `max` lines that pass the filter, oldest first. */
  latest(max: number, filter: LogFilter = {}): LogLine[] {
    return this.#lines.slice(-LINES_MAX).filter(passes(filter)).slice(-max);
  }
}

function readLine(service: string, line: string): LogLine {
  try {
    const record = parseJson(line) as LogRecord;
    const { service: name, timestamp, level, message, trace_id, span_id: _, ...fields } = record;
    return {
      ...{ service: name, timestamp, level, message: cut(message) },
      traceId: trace_id ?? "",
      fields: cut(
        Object.entries(fields).map(([name, value]) => `${name}=${showValue(value)}`).join(" "),
      ),
    };
  } catch {
    const timestamp = new Date().toISOString();
    return { service, timestamp, level: "error", message: cut(line), traceId: "", fields: "" };
  }
}

function cut(text: string): string {
  return text.length > TEXT_MAX_CHARACTERS ? `${text.slice(0, TEXT_MAX_CHARACTERS)}…` : text;
}

function passes({ service, level = "debug", traceId, text = "" }: LogFilter) {
  const least = LOG_LEVELS.indexOf(level);
  const wanted = text.toLowerCase();
  return (line: LogLine): boolean =>
    (!service || line.service === service) &&
    LOG_LEVELS.indexOf(line.level) >= least &&
    (!traceId || line.traceId === traceId) &&
    (!wanted || `${line.message} ${line.fields}`.toLowerCase().includes(wanted));
}
