import { z } from "zod";
import {
  commonSettings,
  duration,
  durationUpTo,
  type Environment,
  hostPort,
  httpOrigin,
  httpUrl,
  listOf,
} from "../shared/config.ts";
import { readServiceConfig, tracingSettings } from "../shared/otlp/otel-settings.ts";
import { checkStore, storeSettings } from "../shared/valkey/store-url.ts";

const CART_TTL_MAX_DAYS = 3_650;

const settings = {
  ...commonSettings,
  ...tracingSettings,
  CART_HTTP: hostPort.prefault("127.0.0.1:8082"),
  CART_PROFILE: hostPort.prefault("127.0.0.1:9082"),
  PRODUCT_URL: httpUrl.default("http://127.0.0.1:8090"),
  PRODUCT_TOKEN: z.string().default("testtoken"),
  PRODUCT_CACHE_TTL: duration.prefault("60s"),
  CART_TTL: durationUpTo(CART_TTL_MAX_DAYS)
    .refine((ms) => ms > 0, "must be longer than 0")
    .prefault("720h"),
  ...storeSettings,
  LOMS_GRPC_URL: hostPort.prefault("127.0.0.1:50051"),
  LOMS_ORIGINS: listOf(httpOrigin).prefault("http://localhost:8084,http://127.0.0.1:8084"),
};

/** The names of all variables. */
export const CART_SETTINGS: readonly string[] = Object.keys(settings);

export type CartConfig = ReturnType<typeof cartConfig>;

/** @throws {ConfigError} naming every invalid setting */
export function cartConfig(environment: Environment) {
  const local = ["PRODUCT_URL", "LOMS_GRPC_URL", "LOMS_ORIGINS"];
  return readServiceConfig(settings, environment, { local, check: checkStore });
}
