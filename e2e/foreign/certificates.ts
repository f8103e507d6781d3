import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
const VALID = ["-days", "2"];

/** Paths of PEM files. */
export interface Certified {
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority for the test, created with openssl in `directory`. */
export function createAuthority(openssl: string, directory: string) {
  const run = (...args: string[]) => {
    execFileSync(openssl, args, { cwd: directory, stdio: "pipe" });
  };
  const request = ["req", "-x509", "-subj", "/CN=Authority of the tests", ...KEY, ...VALID];
  run(...request, "-keyout", "ca.key", "-out", "ca.pem");
  return {
    ca: join(directory, "ca.pem"),
    /** @param alternatives its subject alternative names, as `IP:127.0.0.1` */
    certify(name: string, alternatives: string): Certified {
      writeFileSync(join(directory, `${name}.ext`), `subjectAltName=${alternatives}\n`);
      run("req", "-subj", `/CN=${name}`, ...KEY, "-keyout", `${name}.key`, "-out", `${name}.csr`);
      const signed = ["x509", "-req", "-in", `${name}.csr`, "-CA", "ca.pem", "-CAkey", "ca.key"];
      run(...signed, "-CAcreateserial", "-extfile", `${name}.ext`, ...VALID, "-out", `${name}.pem`);
      return { cert: join(directory, `${name}.pem`), key: join(directory, `${name}.key`) };
    },
  };
}

/** The contents of the files. */
export function readCertified({ cert, key }: Certified): Certified {
  return { cert: readFileSync(cert, "utf8"), key: readFileSync(key, "utf8") };
}
