import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { checkServerIdentity, type ConnectionOptions, getCACertificates } from "node:tls";
import { isPem } from "../pem-files.ts";
import { DatabaseUrlError, oneOf } from "./libpq-uri.ts";

const SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"] as const;
export type SslMode = (typeof SSL_MODES)[number];

const VERSIONS = ["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] as const;

/** Modes that do not require TLS: `allow` tries plain first, `prefer` tries TLS first. */
const OPTIONAL: readonly SslMode[] = ["disable", "allow", "prefer"];

/** How connections are encrypted, with the contents of all files. */
export interface TlsSettings {
  readonly mode: SslMode;
  /** Without negotiating with the server first (PostgreSQL 17). */
  readonly direct: boolean;
  /** Whether the client sends the server's name before the certificate arrives (SNI). */
  readonly namesHost: boolean;
  /** Node's options that are the same for every server. */
  readonly options: ConnectionOptions;
}

/** @throws {DatabaseUrlError} */
export function readTls(parameters: ReadonlyMap<string, string>): TlsSettings {
  const given = (name: string) => parameters.get(name) || undefined;
  const system = given("sslrootcert") === "system";
  const mode = readMode(parameters, system);
  const direct = oneOf(parameters, "sslnegotiation", ["postgres", "direct"]) === "direct";
  if (direct && OPTIONAL.includes(mode)) {
    throw new DatabaseUrlError(
      "sets sslnegotiation=direct, which requires sslmode=require or above",
    );
  }
  const [certificate, key] = [given("sslcert"), given("sslkey")];
  if (Boolean(certificate) !== Boolean(key)) {
    throw new DatabaseUrlError("has only one of sslcert and sslkey");
  }
  const ca = system ? getCACertificates("system") : readFile("sslrootcert", given("sslrootcert"));
  const options = {
    ca,
    // libpq verifies the server's certificate in every mode in which it has roots.
    rejectUnauthorized: ca !== undefined,
    cert: readFile("sslcert", certificate),
    key: readFile("sslkey", key),
    passphrase: given("sslpassword"),
    minVersion: oneOf(parameters, "ssl_min_protocol_version", VERSIONS),
    maxVersion: oneOf(parameters, "ssl_max_protocol_version", VERSIONS),
    ALPNProtocols: direct ? ["postgresql"] : undefined,
  };
  return {
    mode,
    direct,
    namesHost: oneOf(parameters, "sslsni", ["0", "1"]) !== "0",
    // Node takes undefined ones for values.
    options: Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)),
  };
}

/** The files that a URL's parameters name. */
export function tlsFiles(parameters: ReadonlyMap<string, string>): string[] {
  return ["sslrootcert", "sslcert", "sslkey"]
    .map((name) => parameters.get(name) ?? "")
    .filter((path) => path !== "" && path !== "system");
}

/** Options of Node's TLS for one server. */
export function tlsOptions(settings: TlsSettings, host: string): ConnectionOptions {
  const { mode, namesHost, options } = settings;
  return {
    ...options,
    // Only verify-full checks the name in the certificate.
    checkServerIdentity: (_name, shown) =>
      mode === "verify-full" ? checkServerIdentity(host, shown) : undefined,
    ...(namesHost && !isIP(host) && { servername: host }),
  };
}

function readMode(parameters: ReadonlyMap<string, string>, system: boolean): SslMode {
  // JDBC's form, which libpq accepts as well.
  const ssl = oneOf(parameters, "ssl", ["true"]) && "require";
  const mode = oneOf(parameters, "sslmode", SSL_MODES) ?? ssl ??
    (system ? "verify-full" : "prefer");
  if (system && mode !== "verify-full") {
    throw new DatabaseUrlError("sets sslrootcert=system, which requires sslmode=verify-full");
  }
  if (mode.startsWith("verify") && !parameters.get("sslrootcert")) {
    throw new DatabaseUrlError(
      `sets sslmode=${mode}, which requires sslrootcert: a file of certificates, or ` +
        "sslrootcert=system with sslmode=verify-full for those of this machine",
    );
  }
  return mode;
}

function readFile(name: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const text = readText(name, path);
  if (isPem(text)) return text;
  throw new DatabaseUrlError(`names ${path} as ${name}, a file without -----BEGIN`);
}

function readText(name: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    throw new DatabaseUrlError(`names a file as ${name} that cannot be read (${code})`);
  }
}
