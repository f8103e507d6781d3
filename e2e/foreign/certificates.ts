import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Programs } from "./programs.ts";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Paths of PEM files. */
export interface Certificates {
  readonly authority: string;
  /** Of an authority that has signed nothing here. */
  readonly otherAuthority: string;
  /** For the name localhost, and no address. */
  readonly server: string;
  readonly serverKey: string;
  readonly client: string;
  readonly clientKey: string;
}

/** Makes an authority, and what it signs: a server's certificate and that of the role `clientRole`. */
export function makeCertificates(
  { openssl }: Pick<Programs, "openssl">,
  directory: string,
  clientRole: string,
): Certificates {
  mkdirSync(directory, { recursive: true });
  chmodSync(directory, 0o755);
  const file = (name: string) => join(directory, name);
  const run = (...args: string[]) =>
    execFileSync(openssl, args, { cwd: directory, stdio: ["ignore", "ignore", "pipe"] });
  const makeAuthority = (name: string) =>
    run(
      "req",
      "-x509",
      ...KEY,
      "-keyout",
      `${name}.key`,
      "-out",
      `${name}.crt`,
      "-subj",
      `/CN=${name}`,
    );
  const sign = (name: string, subject: string) => {
    run("req", ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`, "-subj", `/CN=${subject}`);
    writeFileSync(file(`${name}.ext`), `subjectAltName=DNS:${subject}\n`);
    const signed = ["-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial"];
    run(
      "x509",
      "-req",
      "-in",
      `${name}.csr`,
      ...signed,
      "-out",
      `${name}.crt`,
      "-extfile",
      `${name}.ext`,
    );
    chmodSync(file(`${name}.key`), 0o600);
  };
  makeAuthority("authority");
  makeAuthority("other");
  sign("server", "localhost");
  sign("client", clientRole);
  return {
    authority: file("authority.crt"),
    otherAuthority: file("other.crt"),
    server: file("server.crt"),
    serverKey: file("server.key"),
    client: file("client.crt"),
    clientKey: file("client.key"),
  };
}
