import { z } from "zod";
import { redactUrls } from "./redact.ts";

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^([0-9]{1,9})(ms|s|m|h)$/;
/** Just below the limit of a timer, 24.8 days. */
const TIMER_MAX_DAYS = 24;

/** A duration such as `500ms`, `3s`, `10m`, `1h`, in ms; `0` needs no unit. */
export function durationUpTo(maxDays: number) {
  return z.string().transform((text, context) => {
    const match = DURATION.exec(text);
    const unit = match?.[2] as keyof typeof UNIT_MS | undefined;
    const ms = text === "0" ? 0 : unit && Number(match?.[1]) * UNIT_MS[unit];
    if (ms === undefined || ms > maxDays * 24 * UNIT_MS.h) {
      context.addIssue(
        `"${text}" is not a duration such as 500ms, 3s or 10m, at most ${maxDays} days`,
      );
      return z.NEVER;
    }
    return ms;
  });
}

/** A duration within the limit of a timer. */
export const duration = durationUpTo(TIMER_MAX_DAYS);

export interface HostPort {
  readonly host: string;
  readonly port: number;
}

/** An address as `host:port` or `[::1]:port`; port 0 selects a free one. */
export const hostPort = z.string().transform((text, context): HostPort => {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (!match || port > 65_535) {
    context.addIssue(`"${text}" is not an address such as 127.0.0.1:8082`);
    return z.NEVER;
  }
  return { host: match[1] ?? match[2] as string, port };
});

/** The address in the format of {@link hostPort}. */
export function formatHostPort({ host, port }: HostPort): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The address for clients on this machine; a wildcard becomes loopback. */
export function reachable({ host, port }: HostPort): string {
  const called = { "0.0.0.0": "127.0.0.1", "::": "::1" }[host] ?? host;
  return formatHostPort({ host: called, port });
}

/** Whether the address is reachable from this machine only. */
export function isLoopback({ host }: HostPort): boolean {
  return host === "localhost" || host === "::1" || /^127(\.[0-9]{1,3}){3}$/.test(host);
}

function urlWith(protocols: readonly string[], example: string) {
  return z.string().refine(
    (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
    // The value may contain a password, so the message does not repeat it.
    { error: `is not a URL such as ${example}` },
  );
}

export const httpUrl = urlWith(["http:", "https:"], "http://127.0.0.1:8090");

/** An origin as browsers write it: `http://host:port`, without a path. */
export const httpOrigin = httpUrl.refine(
  (text) => URL.canParse(text) && new URL(text).origin === text,
  { error: "is not an origin such as http://localhost:8082" },
);

/** A comma-separated list; empty parts are skipped. */
export function listOf<Item extends z.ZodType<unknown, string>>(item: Item) {
  return z.string()
    .transform((text) => text.split(",").map((part) => part.trim()).filter((part) => part !== ""))
    .pipe(z.array(item as z.ZodType<z.output<Item>, string>));
}

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** The settings of every service. */
export const commonSettings = {
  LOG_LEVEL: z.enum(LOG_LEVELS).default("info"),
  LOG_FORMAT: z.enum(["json", "pretty"]).optional(),
};

export type Environment = Readonly<Record<string, string | undefined>>;

/** A problem of a setting, without its value if that may be secret. */
export interface SettingProblem {
  readonly name: string;
  readonly message: string;
}

/** A start that was refused because of invalid settings; the message lists every problem. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";

  readonly problems: readonly SettingProblem[];

  constructor(problems: readonly SettingProblem[]) {
    const lines = problems.map(({ name, message }) => `  ${name}: ${message}`);
    // A value may contain misplaced credentials, as in LOMS_GRPC_URL=http://user:password@loms.
    super(redactUrls(`Wrong settings:\n${lines.join("\n")}`));
    this.problems = problems;
  }
}

/**
 * Reads a service's settings once. An empty variable counts as not set. `check` finds
 * contradictions between settings that are valid one by one.
 * @throws {ConfigError} naming every invalid setting in one message
 */
export function readConfig<Shape extends z.ZodRawShape>(
  shape: Shape,
  environment: Environment,
  check: (config: z.output<z.ZodObject<Shape>>) => readonly SettingProblem[] = () => [],
): z.output<z.ZodObject<Shape>> {
  const given = Object.fromEntries(
    Object.keys(shape).map((name) => [name, environment[name] || undefined]),
  );
  const result = z.object(shape).safeParse(given);
  const problems = result.success
    ? check(result.data)
    : result.error.issues.map(({ path, message }) => ({ name: path.join("."), message }));
  if (result.success && problems.length === 0) return result.data;
  throw new ConfigError(problems);
}

/**
 * The environment, with `LOCAL_<NAME>` in place of each of `names` that is not set. A service that
 * is started alone thus finds the components of the stack on this machine.
 */
export function withLocalStack(environment: Environment, names: readonly string[]): Environment {
  const local = names.map((name) => [name, environment[name] || environment[`LOCAL_${name}`]]);
  return { ...environment, ...Object.fromEntries(local) as Environment };
}
