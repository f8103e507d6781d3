import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { describeServer, describeTarget, readDatabaseUrl, unixSocket } from "./database-url.ts";

/** Contains no PEM text. */
const own = import.meta.filename;
const directory = mkdtempSync(join(tmpdir(), "database-url-"));
afterAll(() => rmSync(directory, { recursive: true }));

function file(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

const pem = file("ca.pem", "# Ours\n-----BEGIN CERTIFICATE-----\n");
const empty = file("empty.pem", "");

test("readDatabaseUrl() reads every part of a URL", () => {
  const url = "postgresql://me:p%40s%2Fs@one:1,[::1],%2Frun%2Fpg:3/shop%20a?application_name=name" +
    "&options=-c%20geqo%3Doff&connect_timeout=7&target_session_attrs=primary&sslmode=disable";
  expect(readDatabaseUrl(url)).toMatchObject({
    servers: [
      { host: "one", address: "one", port: 1 },
      { host: "::1", address: "::1", port: 5432 },
      { host: "/run/pg", address: "/run/pg", port: 3 },
    ],
    user: "me",
    password: "p@s/s",
    database: "shop a",
    applicationName: "name",
    options: "-c geqo=off",
    connectTimeoutMs: 7_000,
    sessionAttributes: "primary",
    tls: { mode: "disable" },
  });
});

test.each([
  ["postgres://me@h", { database: "me", password: "", tls: { mode: "prefer" } }],
  ["postgres://me:a?b=c&d#e+f@h/d", { password: "a?b=c&d#e+f" }],
  ["postgres://me@h/d?password=a%26b&user=you&dbname=e", { user: "you", password: "a&b" }],
  ["postgres://me@/d?host=/run/pg&port=6", { servers: [{ host: "/run/pg", port: 6 }] }],
  ["postgres://me@/d?host=a,b&port=6", { servers: [{ port: 6 }, { host: "b", port: 6 }] }],
  ["postgres://me@a,b:2/d", { servers: [{ port: 5432 }, { host: "b", port: 2 }] }],
  ["postgres://me@h/d?hostaddr=::1", { servers: [{ host: "h", address: "::1" }] }],
  ["postgres://me@/d?hostaddr=::1", { servers: [{ host: "::1", address: "::1" }] }],
  ["postgres://me@h/d?ssl=true", { tls: { mode: "require" } }],
  ["postgres://me@h/d?sslrootcert=system", { tls: { mode: "verify-full" } }],
  [`postgres://me@h/d?sslmode=verify-ca&sslrootcert=${pem}`, { tls: { mode: "verify-ca" } }],
  ["postgres://me@h/d?connect_timeout=0", { connectTimeoutMs: Infinity }],
  ["postgres://me@h/d?channel_binding=prefer&gssencmode=disable", { database: "d" }],
  ["postgres://me@h/d?fallback_application_name=a", { applicationName: "a" }],
])("readDatabaseUrl() accepts %s", (url, target) => {
  expect(readDatabaseUrl(url)).toMatchObject(target);
});

test.each([
  ["mysql://me:hunter2@h/d", /is not a URL such as postgres:/],
  ["postgres://me:hunter2%zz@h/d", /has a % that does not encode UTF-8/],
  ["postgres://me:hunter2%@h/d", /write %40 for @, .* %25 for %/],
  ["postgres://me:hunter2%00@h/d", /has a % that does not encode UTF-8/],
  ["postgres://me:hunter2/x@h/d", /has a port that is not a number .* %2F for \//],
  ["postgres://me:x@hunter2@h/d", /has an invalid host/],
  ["postgres://me:1/hunter2?hunter2=x@h", /has a parameter, which is not supported/],
  ["postgres://me:1/hunter2?hunter2@h", /a parameter that is not name=value/],
  ["postgres:///d", /names no host/],
  ["postgres://me@[::1/d", /has an invalid host/],
  ["postgres://me@h:0/d", /port/],
  ["postgres://me@h:65536/d", /port/],
  ["postgres://me@/d?host=a,b&port=1,2,3", /names 2 hosts and 3 ports/],
  ["postgres://me@a,b/d?hostaddr=::1", /names 2 hosts and 1 hostaddr/],
  ["postgres://me@h/d?sslmode=no", /sslmode that is not one of disable, allow, prefer, require/],
  ["postgres://me@h/d?sslmode=verify-full", /requires sslrootcert.* sslrootcert=system/],
  ["postgres://me@h/d?sslmode=require&sslrootcert=system", /requires sslmode=verify-full/],
  [
    "postgres://me@h/d?sslmode=verify-ca&sslrootcert=/none",
    /sslrootcert that cannot be read \(ENOENT\)/,
  ],
  [
    `postgres://me@h/d?sslmode=verify-full&sslrootcert=${empty}`,
    `names ${empty} as sslrootcert, a file without -----BEGIN`,
  ],
  [
    `postgres://me@h/d?sslrootcert=${own}`,
    `names ${own} as sslrootcert, a file without -----BEGIN`,
  ],
  [`postgres://me@h/d?sslcert=${empty}&sslkey=${pem}`, `names ${empty} as sslcert`],
  [`postgres://me@h/d?sslcert=${pem}&sslkey=${empty}`, `names ${empty} as sslkey`],
  [`postgres://me@h/d?sslcert=${own}`, /one of sslcert and sslkey/],
  ["postgres://me@h/d?sslnegotiation=direct", /requires sslmode=require/],
  [
    "postgres://me@h/d?channel_binding=require",
    /channel_binding=require.* Set channel_binding=prefer/,
  ],
  ["postgres://me@h/d?target_session_attrs=leader", /target_session_attrs that is not one of any/],
  ["postgres://me@h/d?connect_timeout=soon", /connect_timeout/],
  ["postgres://me@h/d?client_encoding=latin1", /client_encoding that is not utf8/],
  ["postgres://me@h/d?pgbouncer=true", /the parameter pgbouncer, which is not supported/],
  ["postgres://me@h/d?a=b=c", /a parameter that is not name=value/],
  ["postgres://me@h/d?sslmode", /a parameter that is not name=value/],
])("readDatabaseUrl() refuses %s", (url, reason) => {
  expect(() => readDatabaseUrl(url)).toThrow(reason);
  expect(() => readDatabaseUrl(url)).not.toThrow(/hunter2/);
});

test("describeTarget() omits the password", () => {
  const target = readDatabaseUrl("postgres://me:hunter2@[::1]:1,/d?host=::1,/run/pg&port=1,2");
  expect(describeTarget(target)).toBe("[::1]:1, /run/pg/.s.PGSQL.2, database d, as me");
});

test.each([
  ["host=/tmp&hostaddr=10.0.0.1", "10.0.0.1:5432", undefined],
  ["host=db&hostaddr=/run/pg", "/run/pg/.s.PGSQL.5432", "/run/pg/.s.PGSQL.5432"],
])("with %s the address selects TCP or a socket", (query, described, socket) => {
  const { servers: [server] } = readDatabaseUrl(`postgres://me@/d?${query}`);
  expect(server && [describeServer(server), unixSocket(server)]).toEqual([described, socket]);
});
