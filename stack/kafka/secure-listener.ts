import { spawnSync } from "node:child_process";
import { join } from "node:path";
import type { Properties } from "./properties.ts";

const HOST = "localhost";
const ALIAS = "broker";
/** The key is made for one run of the tests. */
const VALID_DAYS = "2";

/** A TLS listener that requires a user and a password (SASL). */
export interface SecureListener {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** PKCS #12, with the password of the user. */
  readonly keyStore: string;
  /** As the tool that formats takes it. */
  readonly scramUser: string;
}

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
 * Makes a key for a listener with java's keytool.
 * @throws {Error} with what keytool said
 */
export function createSecureListener(
  directory: string,
  port: number,
): { readonly listener: SecureListener; readonly access: SecureAccess } {
  const [user, password] = ["shop", "for-tests-alone"];
  const keyStore = join(directory, "broker.p12");
  const store = ["-alias", ALIAS, "-keystore", keyStore, "-storepass", password];
  const names = ["-dname", `CN=${HOST}`, "-ext", `SAN=DNS:${HOST}`];
  keytool(["-genkeypair", ...store, "-keyalg", "EC", ...names, "-validity", VALID_DAYS]);
  const ca = keytool(["-exportcert", "-rfc", ...store]);
  const scramUser = `SCRAM-SHA-512=[name=${user},password=${password}]`;
  return {
    listener: { port, user, password, keyStore, scramUser },
    access: { address: `${HOST}:${port}`, user, password, ca },
  };
}

/** The properties with the listener beside the plain one. */
export function secureProperties(properties: Properties, listener: SecureListener): Properties {
  const { port, user, password, keyStore } = listener;
  const security = "org.apache.kafka.common.security";
  const also = (name: string, value: string) => ({ [name]: `${properties[name]},${value}` });
  return {
    ...properties,
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
}

function keytool(args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync("keytool", args, { encoding: "utf8" });
  if (status === 0) return stdout;
  throw new Error(`keytool ended with ${status}: ${stderr || stdout}`);
}
