import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Certified, createAuthority } from "./certificates.ts";
import type { Programs } from "./programs.ts";

/** Paths of PEM files. */
export interface DatabaseCertificates {
  readonly authority: string;
  /** The certificate of an authority that has signed nothing. */
  readonly otherAuthority: string;
  /** For the name localhost, and no address. */
  readonly server: Certified;
  readonly client: Certified;
}

/** An authority's certificates for a server and for the role `clientRole`. */
export function createDatabaseCertificates(
  { openssl }: Pick<Programs, "openssl">,
  directory: string,
  clientRole: string,
): DatabaseCertificates {
  const open = (name: string) => {
    const own = join(directory, name);
    mkdirSync(own, { recursive: true });
    // The server runs under another account.
    for (const each of [directory, own]) chmodSync(each, 0o755);
    return createAuthority(openssl, own);
  };
  const authority = open("authority");
  return {
    authority: authority.ca,
    otherAuthority: open("other").ca,
    server: authority.certify("localhost", "DNS:localhost"),
    client: authority.certify(clientRole, `DNS:${clientRole}`),
  };
}
