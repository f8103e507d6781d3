import type { CloseStack } from "../../shared/lifecycle.ts";
import { freePorts } from "../../stack/ports.ts";
import { commandFor } from "../../stack/processes/runtimes.ts";
import type { Postgres } from "./postgres.ts";
import { type Service, startService } from "./service.ts";

export interface Notifier extends Service {
  /** When each event happened and when its notification was logged, in ms. */
  readonly shown: { readonly at: number; readonly timestamp: number }[];
}

/** A notifier process whose log lines are read. */
export async function startNotifier(
  opened: CloseStack,
  { pair }: Postgres,
  environment: Readonly<Record<string, string>>,
): Promise<Notifier> {
  const [http = "", profile = ""] = (await freePorts(2)).map((port) => `127.0.0.1:${port}`);
  const shown: { at: number; timestamp: number }[] = [];
  const service = await startService({
    ...{ name: "notifier", command: commandFor("node", "notifier/main.ts", []) },
    readyUrl: `http://${http}/readyz`,
    environment: {
      ...{ NOTIFIER_HTTP: http, NOTIFIER_PROFILE: profile },
      NOTIFIER_DATABASE_URL: pair.primaryUrl("notifier"),
      BUS_DATABASE_URL: pair.primaryUrl("bus"),
      ...environment,
    },
    onLine(line) {
      if (!line.includes(`"order_id"`)) return;
      const { at, timestamp } = JSON.parse(line) as { at?: string; timestamp: string };
      if (at) shown.push({ at: Date.parse(at), timestamp: Date.parse(timestamp) });
    },
  }, opened);
  return { ...service, shown };
}
