import { execFile } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { newDataDirectory, removeDirectory } from "../own-stack.ts";
import { openClient } from "../../shared/postgres/open-client.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import { commandFor, type Runtime } from "../../stack/processes/runtimes.ts";
import { type Found, QUESTION } from "./try-databases.ts";
import { createDatabaseCertificates, type DatabaseCertificates } from "./database-certificates.ts";
import { startDebianPair } from "./debian-postgres.ts";

const programs = inject("foreign");
const run = promisify(execFile);
const PROGRAM = "e2e/foreign/try-databases.ts";
/** Each character with a meaning in a URL, and some that are not ASCII. */
const PASSWORD = "p@s:/s?#[]%25&+ =,'\"\\ü€";
const ODD_DATABASE = "a%b/c d";
const ACCOUNTS = `
  create role only_tls login password 'x'; create role never_tls login password 'x';
  create role by_cert login; create role anyone login password 'x';
  create role odd login password '${PASSWORD.replaceAll("'", "''")}'`;
const HBA = `
hostssl all only_tls all scram-sha-256
host all only_tls all reject
hostnossl all never_tls all scram-sha-256
host all never_tls all reject
hostssl all by_cert all cert
local all all scram-sha-256
host all all all scram-sha-256
host replication all all scram-sha-256
`;
const ANSWER = `select row_to_json(answer) from (${QUESTION}) answer`;

interface Place {
  readonly primary: number;
  readonly standby: number;
  /** The port of a server that accepts connections and sends nothing. */
  readonly silent: number;
  readonly files: DatabaseCertificates;
  readonly sockets: string;
}

interface Case {
  readonly title: string;
  readonly url: (place: Place) => string;
  readonly found: Partial<Exclude<Found, { error: string }>> | RegExp;
  /** Parameters that psql of PostgreSQL 15 does not support. */
  readonly newer?: boolean;
}

const at = (port: number, host = "127.0.0.1", user = "anyone") =>
  `postgres://${user}:x@${host}:${port}/postgres`;
const encrypted = { encrypted: true };
const plain = { encrypted: false };
const ca = ({ files }: Place) => `sslrootcert=${files.authority}`;
const otherCa = ({ files }: Place) => `sslrootcert=${files.otherAuthority}`;

const CASES: readonly Case[] = [
  { title: "no sslmode prefers TLS", url: (p) => at(p.primary), found: encrypted },
  { title: "sslmode=disable", url: (p) => `${at(p.primary)}?sslmode=disable`, found: plain },
  { title: "sslmode=allow", url: (p) => `${at(p.primary)}?sslmode=allow`, found: plain },
  { title: "sslmode=prefer", url: (p) => `${at(p.primary)}?sslmode=prefer`, found: encrypted },
  { title: "sslmode=require", url: (p) => `${at(p.primary)}?sslmode=require`, found: encrypted },
  {
    title: "sslmode=verify-ca does not check the name",
    url: (p) => `${at(p.primary)}?sslmode=verify-ca&${ca(p)}`,
    found: encrypted,
  },
  {
    title: "sslmode=verify-ca refuses another authority",
    url: (p) => `${at(p.primary)}?sslmode=verify-ca&${otherCa(p)}`,
    found: /certificate/,
  },
  {
    title: "sslmode=verify-full",
    url: (p) => `${at(p.primary, "localhost")}?sslmode=verify-full&${ca(p)}`,
    found: encrypted,
  },
  {
    title: "sslmode=verify-full refuses another name",
    url: (p) => `${at(p.primary)}?sslmode=verify-full&${ca(p)}`,
    found: /certificate/,
  },
  {
    title: "the name of a hostaddr is that of the host",
    url: (p) => `${at(p.primary, "localhost")}?hostaddr=127.0.0.1&sslmode=verify-full&${ca(p)}`,
    found: encrypted,
  },
  {
    title: "sslmode=require with an authority verifies the certificate",
    url: (p) => `${at(p.primary)}?sslmode=require&${otherCa(p)}`,
    found: /certificate/,
  },
  {
    title: "sslmode=prefer continues without TLS if it cannot verify",
    url: (p) => `${at(p.primary)}?sslmode=prefer&${otherCa(p)}`,
    found: plain,
  },
  {
    title: "sslrootcert=system accepts the authorities of this machine",
    url: (p) => `${at(p.primary, "localhost")}?sslrootcert=system`,
    found: encrypted,
    newer: true,
  },
  {
    title: "sslmode=allow encrypts if the server requires it",
    url: (p) => `${at(p.primary, "127.0.0.1", "only_tls")}?sslmode=allow`,
    found: encrypted,
  },
  {
    title: "sslmode=prefer continues without TLS if the server requires that",
    url: (p) => `${at(p.primary, "127.0.0.1", "never_tls")}?sslmode=prefer`,
    found: plain,
  },
  {
    title: "sslmode=disable is refused if the server requires TLS",
    url: (p) => `${at(p.primary, "127.0.0.1", "only_tls")}?sslmode=disable`,
    found: /pg_hba.conf rejects/,
  },
  {
    title: "sslcert and sslkey log in",
    url: ({ primary, files }) =>
      `postgres://by_cert@localhost:${primary}/postgres?sslmode=require` +
      `&sslcert=${files.client.cert}&sslkey=${files.client.key}`,
    found: encrypted,
  },
  { title: "IPv6", url: (p) => at(p.primary, "[::1]"), found: { address: "::1" } },
  {
    title: "a socket uses no TLS, whatever the sslmode",
    url: (p) => `postgres://anyone:x@/postgres?host=${p.sockets}&port=${p.primary}&sslmode=require`,
    found: { address: null, encrypted: false },
  },
  {
    title: "a socket as an escaped host",
    url: (p) => at(p.primary, encodeURIComponent(p.sockets)),
    found: { address: null },
  },
  {
    title: "the first of two servers is down",
    url: (p) => `postgresql://anyone:x@127.0.0.1:1,localhost:${p.primary}/postgres`,
    found: { standby: false },
  },
  {
    title: "the first of two servers does not answer within connect_timeout",
    url: (p) => `${at(p.primary, `127.0.0.1:${p.silent},[::1]`)}?connect_timeout=2`,
    found: { address: "::1" },
  },
  ...([
    ["any", true],
    ["read-write", false],
    ["primary", false],
    ["read-only", true],
    ["standby", true],
    ["prefer-standby", true],
  ] as const).map(([attributes, standby]): Case => ({
    title: `target_session_attrs=${attributes} on a standby and a primary`,
    url: (p) =>
      `postgres://anyone:x@127.0.0.1:${p.standby},127.0.0.1:${p.primary}/postgres` +
      `?target_session_attrs=${attributes}`,
    found: { standby },
  })),
  {
    title: "target_session_attrs=prefer-standby accepts a single primary",
    url: (p) => `${at(p.primary)}?target_session_attrs=prefer-standby`,
    found: { standby: false },
  },
  {
    title: "target_session_attrs=primary finds none",
    url: (p) => `${at(p.standby)}?target_session_attrs=primary`,
    found: /primary|hot standby/,
  },
  {
    title: "application_name and options",
    url: (p) => `${at(p.primary)}?application_name=me%20&options=-c%20geqo%3Doff`,
    found: { application: "me ", geqo: "off" },
  },
  {
    title: "a password with every character",
    url: (p) => at(p.primary, "127.0.0.1", "odd").replace("x@", `${encodeURIComponent(PASSWORD)}@`),
    found: encrypted,
  },
  {
    title: "a database with every character",
    url: (p) =>
      at(p.primary).replace("/postgres", `/${encodeURIComponent(ODD_DATABASE)}`)
        .replace(/^postgres:\/[^/]*/, "postgres:/"),
    found: { database: ODD_DATABASE },
  },
];

describe.skipIf(!programs)("a database URL", () => {
  let pair: PostgresPair;
  let silent: Server;
  let place: Place;
  const directory = programs ? newDataDirectory() : "";

  beforeAll(async () => {
    if (!programs) return;
    const files = createDatabaseCertificates(programs, join(directory, "tls"), "by_cert");
    const sockets = join(directory, "sockets");
    mkdirSync(sockets);
    for (const open of [directory, sockets]) chmodSync(open, 0o777);
    writeFileSync(join(directory, "hba"), HBA);
    pair = await startDebianPair(programs, {
      settings: {
        listen_addresses: "127.0.0.1,::1",
        unix_socket_directories: sockets,
        hba_file: join(directory, "hba"),
        ...{ ssl: "on", ssl_cert_file: files.server.cert, ssl_key_file: files.server.key },
        ssl_ca_file: files.authority,
      },
    });
    const url = pair.primaryUrl("postgres");
    const admin = openClient({ url, applicationName: "test", connectTimeoutMs: 5_000 }, { max: 1 });
    await admin.unsafe(ACCOUNTS);
    await admin.unsafe(`create database "${ODD_DATABASE}"`);
    await admin.end();
    silent = createServer();
    await new Promise<void>((resolve) => silent.listen(0, "::", resolve));
    place = {
      primary: Number(new URL(url).port),
      standby: Number(new URL(pair.replicaUrls("postgres")[0] ?? "").port),
      silent: (silent.address() as { port: number }).port,
      files,
      sockets,
    };
  });
  afterAll(async () => {
    await pair?.close();
    silent?.close();
    removeDirectory(directory);
  });

  const environment = () => ({ ...process.env, SSL_CERT_FILE: place.files.authority });

  test.each<Runtime>(["node", "deno"])("means the same to both drivers on %s", async (runtime) => {
    const urls = CASES.map(({ url }) => url(place));
    const [command = "", ...args] = commandFor(runtime, PROGRAM, runtime === "deno" ? ["-A"] : []);
    const { stdout } = await run(command, [...args, JSON.stringify(urls)], { env: environment() });
    const found = JSON.parse(stdout) as Record<"postgres" | "pg", Found[]>;
    for (const driver of ["postgres", "pg"] as const) {
      expect(Object.fromEntries(found[driver].map((each, index) => [CASES[index]?.title, each])))
        .toMatchObject(expectations(CASES));
    }
  });

  test("means the same as in libpq", async () => {
    const shown = CASES.filter(({ newer }) => !newer);
    const found = await Promise.all(shown.map(async ({ title, url }) => {
      const args = [url(place), "--no-psqlrc", "-Atc", ANSWER];
      const answer = await run(programs?.psql ?? "", args, { env: environment() })
        .then(({ stdout }) => JSON.parse(stdout) as Found, (error: Error) => ({
          error: error.message,
        }));
      return [title, answer];
    }));
    expect(Object.fromEntries(found)).toMatchObject(expectations(shown));
  });
});

function expectations(cases: readonly Case[]) {
  return Object.fromEntries(cases.map(({ title, found }) => [
    title,
    found instanceof RegExp ? { error: expect.stringMatching(found) as string } : found,
  ]));
}
