import { ConfigError, type Environment, type SettingProblem } from "../shared/config.ts";
import type { ServicePart } from "./plan.ts";

/** What a service knows of its own settings. */
export interface Settings {
  readonly names: readonly string[];
  /** @throws {ConfigError} */
  read(environment: Environment): object;
}

/** The settings of each service; loaded on use, because they import packages. */
export const SETTINGS: Readonly<Record<ServicePart, () => Promise<Settings>>> = {
  async cart() {
    const { CART_SETTINGS: names, cartConfig: read } = await import("../cart/config.ts");
    return { names, read };
  },
  async loms() {
    const { LOMS_SETTINGS: names, lomsConfig: read } = await import("../loms/config.ts");
    return { names, read };
  },
  async notifier() {
    const { NOTIFIER_SETTINGS: names, notifierConfig: read } = await import(
      "../notifier/config.ts"
    );
    return { names, read };
  },
  async products() {
    const { PRODUCTS_SETTINGS: names, productsConfig: read } = await import("./products/config.ts");
    return { names, read };
  },
};

/**
 * Reads the settings as the services will, before anything starts.
 * @throws {ConfigError} naming every wrong setting of all of them once
 */
export async function checkSettings(
  parts: readonly ServicePart[],
  environment: Environment,
): Promise<void> {
  const problems = new Map<string, SettingProblem>();
  for (const part of parts) {
    const { read } = await SETTINGS[part]();
    try {
      read(environment);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      // Services share some, and say the same of them.
      for (const problem of error.problems) problems.set(problem.name, problem);
    }
  }
  if (problems.size > 0) throw new ConfigError([...problems.values()]);
}
