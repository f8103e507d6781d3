import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { KafkaOptions } from "../kafka/broker.ts";

const HOST = "localhost";
const ALIAS = "broker";
/** The key is created for one run of the tests. */
const VALID_DAYS = "2";

/** What a client needs to use the listener. */
export interface SecureAccess {
  /** host:port. */
  readonly address: string;
  readonly user: string;
  readonly password: string;
  /** PEM. */
  readonly ca: string;
}

/**
 * A TLS listener that requires a user and a password (SASL), with a key created by java's keytool.
 * @throws {Error} with the output of keytool
 */
export function createSecureListener(
  directory: string,
  port: number,
): Required<Pick<KafkaOptions, "customize" | "formatArgs">> & { readonly access: SecureAccess } {
  const [user, password] = ["shop", "for-tests-alone"];
  const keyStore = join(directory, "broker.p12");
  const store = ["-alias", ALIAS, "-keystore", keyStore, "-storepass", password];
  const names = ["-dname", `CN=${HOST}`, "-ext", `SAN=DNS:${HOST}`];
  keytool(["-genkeypair", ...store, "-keyalg", "EC", ...names, "-validity", VALID_DAYS]);
  const ca = keytool(["-exportcert", "-rfc", ...store]);
  const security = "org.apache.kafka.common.security";
  return {
    access: { address: `${HOST}:${port}`, user, password, ca },
    formatArgs: ["--add-scram", `SCRAM-SHA-512=[name=${user},password=${password}]`],
    customize(own) {
      const also = (name: string, value: string) => ({ [name]: `${own[name]},${value}` });
      return {
        ...own,
        ...also("listeners", `SASL_SSL://127.0.0.1:${port}`),
        ...also("advertised.listeners", `SASL_SSL://${HOST}:${port}`),
        ...also("listener.security.protocol.map", "SASL_SSL:SASL_SSL"),
        "ssl.keystore.type": "PKCS12",
        "ssl.keystore.location": keyStore,
        "ssl.keystore.password": password,
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
        "listener.name.sasl_ssl.plain.sasl.jaas.config":
          `${security}.plain.PlainLoginModule required user_${user}="${password}";`,
        "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config":
          `${security}.scram.ScramLoginModule required;`,
      };
    },
  };
}

function keytool(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("keytool", args, { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`keytool ended with ${status}: ${stderr || stdout}`);
}
