import process from "node:process";
import { CloseStack, type RunningService } from "./lifecycle.ts";
import { runService } from "./run-service.ts";

// A service process whose argument selects its behaviour; it prints its progress.

const CLOSE_MAX_MS = 50;
/** Keeps this process alive. */
setInterval(() => {}, 1_000);

function say(word: string): void {
  process.stdout.write(`${word}\n`);
}

function hang(word: string): Promise<never> {
  say(word);
  return new Promise(() => {});
}

/** "late": one step of the stop hangs. */
function openInSteps(): RunningService {
  const opened = new CloseStack(CLOSE_MAX_MS);
  opened.push("the last", () => say("closed"));
  opened.push("the slow one", () => hang("closing"));
  return { close: () => opened.close() };
}

const BEHAVIOURS: Readonly<Record<string, () => Promise<RunningService>>> = {
  starting: () => hang("starting"),
  late: () => Promise.resolve(openInSteps()),
  hanging: () => Promise.resolve({ close: () => hang("closing") }),
  failing: () => Promise.resolve({ failed: fail(), close: () => hang("closing") }),
  broken: () => Promise.resolve({ close: fail }),
};

function fail(): Promise<never> {
  return Promise.reject(new Error("the start failed"));
}

const [behaviour = ""] = process.argv.slice(2);
await runService("products", () => {
  if (behaviour === "loading") return hang("loading");
  const start = async () => {
    const running = await BEHAVIOURS[behaviour]?.() as RunningService;
    say("serving");
    return running;
  };
  return Promise.resolve({ config: { LOG_LEVEL: "warn", LOG_FORMAT: "json" }, start });
});
