import { z } from "zod";
import { readDatabaseUrl } from "./database-url.ts";
import { DatabaseUrlError } from "./libpq-uri.ts";

/** The address at which `npm start` runs PostgreSQL, the default of services started alone. */
export const LOCAL_PORTS = { primary: 15_432, standby1: 15_433, standby2: 15_434 } as const;

/** The URL of a database there. */
export function localDatabase(name: string, server: keyof typeof LOCAL_PORTS = "primary"): string {
  return `postgres://postgres@127.0.0.1:${LOCAL_PORTS[server]}/${name}`;
}

/** A database URL with libpq's meaning. The files that it names must be readable. */
export const postgresUrl = z.string().superRefine((text, context) => {
  try {
    readDatabaseUrl(text);
  } catch (error) {
    if (!(error instanceof DatabaseUrlError)) throw error;
    // The value may contain a password, so the message does not repeat it.
    context.addIssue(error.message);
  }
});

/**
 * Whether statements are prepared; not possible with a pooler that drops them between transactions.
 */
export const preparedStatements = z.enum(["true", "false"]).default("true")
  .transform((text) => text === "true");

/** URLs, comma separated; commas within a URL separate hosts. Empty parts are skipped. */
export const postgresUrls = z.string().transform(splitUrls).pipe(z.array(postgresUrl));

/** Splits such a list without parsing its URLs. */
export function splitUrls(text: string): string[] {
  return text.split(/,(?=\s*[a-z]+:\/\/)/)
    .map((url) => url.replace(/[,\s]+$/, "").trim())
    .filter((url) => url !== "");
}
