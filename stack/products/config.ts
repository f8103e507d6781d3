import { z } from "zod";
import { commonSettings, type Environment, hostPort, readConfig } from "../../shared/config.ts";

const settings = {
  ...commonSettings,
  PRODUCTS_HTTP: hostPort.prefault("127.0.0.1:8090"),
  /** The token that callers must send. */
  PRODUCT_TOKEN: z.string().default("testtoken"),
};

/** The names of all variables. */
export const PRODUCTS_SETTINGS: readonly string[] = Object.keys(settings);

export type ProductsConfig = ReturnType<typeof productsConfig>;

/** @throws {ConfigError} naming every invalid setting */
export function productsConfig(environment: Environment) {
  return readConfig(settings, environment);
}
