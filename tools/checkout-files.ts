import { mkdtempSync, rmSync } from "node:fs";
import inspector from "node:inspector/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { cartConfig } from "../cart/config.ts";
import { startCart } from "../cart/service.ts";
import { lomsConfig } from "../loms/config.ts";
import { startLoms } from "../loms/service.ts";
import { CloseStack } from "../shared/lifecycle.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { freePorts } from "../stack/ports.ts";
import { startPostgresPair } from "../stack/postgres/pair.ts";
import { productsConfig } from "../stack/products/config.ts";
import { startProducts } from "../stack/products/service.ts";
import { PROJECT_DIRECTORY } from "../stack/services.ts";

/** A file of which at least one function ran, with the names of those functions. */
interface RunFile {
  readonly path: string;
  readonly functions: readonly string[];
}

/** Code that runs during a checkout but does not count. */
const EXCLUDED: readonly (readonly [RegExp, string])[] = [
  [/^(stack|tools)\//, "the test setup itself"],
  [/(^|\/)gen\//, "generated code"],
  [/^(loms\/outbox|shared\/bus)\//, "receives the events of the commit, and publishes them later"],
  [/^shared\/(redact|telemetry\/log-record)\.ts$/, "formats the log line of the request"],
  [/^shared\/async\/loop\.ts$/, "steps the relay and other background work; no request calls it"],
  [/^\w+\/service\.ts$/, "wiring: closures that connect the parts"],
];

/** Requests before the measured one, so that lazy set-up has happened. */
const WARM_UP_CHECKOUTS = 3;
/** Functions that run in only one of them belong to background timers. */
const MEASURED_CHECKOUTS = 3;
/** Lets connections and the relay become idle before the measurement. */
const SETTLE_MS = 1_000;
const SKU = 1076963;

print(await runCheckout());
process.exit(0);

/** Runs PostgreSQL, the product stand-in, cart and loms in this process. */
async function runCheckout(): Promise<RunFile[]> {
  const opened = new CloseStack();
  try {
    const cartUrl = await startServices(opened);
    const checkOut = async (user: number) => {
      await post(`${cartUrl}/user/${user}/cart/${SKU}`, { count: 1 });
      return () => post(`${cartUrl}/user/${user}/cart/checkout`);
    };
    for (let user = 1; user <= WARM_UP_CHECKOUTS; user++) await (await checkOut(user))();
    const runs: RunFile[][] = [];
    for (let run = 1; run <= MEASURED_CHECKOUTS; run++) {
      runs.push(await covered(await checkOut(WARM_UP_CHECKOUTS + run)));
    }
    return inAll(runs);
  } finally {
    await opened.close();
  }
}

async function startServices(opened: CloseStack): Promise<string> {
  const log = (service: "products" | "loms" | "cart") =>
    createLogger({ service, level: "info", format: "json", write: () => {} });

  const dataDirectory = mkdtempSync(join(tmpdir(), "marketplace-checkout-"));
  opened.push("the data", () => rmSync(dataDirectory, { recursive: true, force: true }));
  const pair = await startPostgresPair({
    dataDirectory,
    databases: ["loms", "bus"],
    durable: false,
  });
  opened.push("PostgreSQL", () => pair.close());
  const ports = await freePorts(6);
  const [productsHttp, lomsHttp, lomsGrpc, lomsProfile, cartHttp, cartProfile] = ports
    .map((port) => `127.0.0.1:${port}`) as [string, string, string, string, string, string];
  const products = await startProducts(
    productsConfig({ PRODUCTS_HTTP: productsHttp }),
    log("products"),
  );
  opened.push("the product stand-in", () => products.close());
  const loms = await startLoms(
    lomsConfig({
      DATABASE_URL: pair.primaryUrl("loms"),
      DATABASE_REPLICA_URLS: pair.replicaUrls("loms").join(","),
      BUS_DATABASE_URL: pair.primaryUrl("bus"),
      LOMS_GRPC: lomsGrpc,
      LOMS_HTTP: lomsHttp,
      LOMS_ADMIN: "127.0.0.1:0",
      LOMS_PROFILE: lomsProfile,
    }),
    log("loms"),
  );
  opened.push("loms", () => loms.close());
  const cart = await startCart(
    cartConfig({
      CART_HTTP: cartHttp,
      CART_PROFILE: cartProfile,
      LOMS_GRPC_URL: lomsGrpc,
      PRODUCT_URL: products.url,
    }),
    log("cart"),
  );
  opened.push("cart", () => cart.close());
  return cart.url;
}

async function post(url: string, body?: unknown): Promise<void> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!response.ok) throw new Error(`${url} returned ${response.status} ${await response.text()}`);
  await response.arrayBuffer();
}

/** V8's precise coverage of one call of `work`. */
async function covered(work: () => Promise<void>): Promise<RunFile[]> {
  const session = new inspector.Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: false });
    await new Promise((settled) => setTimeout(settled, SETTLE_MS));
    await session.post("Profiler.takePreciseCoverage");
    await work();
    const { result } = await session.post("Profiler.takePreciseCoverage");
    return runFiles(result);
  } finally {
    session.disconnect();
  }
}

function runFiles(coverage: readonly inspector.Profiler.ScriptCoverage[]): RunFile[] {
  const found: RunFile[] = [];
  for (const { url, functions } of coverage) {
    if (!url.startsWith("file:")) continue;
    const path = fileURLToPath(url);
    if (!path.startsWith(PROJECT_DIRECTORY) || path.includes("/node_modules/")) continue;
    const ran = functions.filter(({ ranges }) => (ranges[0]?.count ?? 0) > 0)
      .map(({ functionName }) => functionName || "(anonymous)");
    if (ran.length > 0) found.push({ path: path.slice(PROJECT_DIRECTORY.length), functions: ran });
  }
  return found.sort((a, b) => a.path < b.path ? -1 : 1)
    .map((file) => ({ ...file, functions: [...new Set(file.functions)] }));
}

/** The files and functions of the first run that every run has. */
function inAll([first = [], ...others]: readonly (readonly RunFile[])[]): RunFile[] {
  return first.flatMap(({ path, functions }) => {
    const functionsOf = (run: readonly RunFile[]) =>
      run.find((file) => file.path === path)?.functions ?? [];
    const always = functions.filter((name) =>
      others.every((run) => functionsOf(run).includes(name))
    );
    return always.length === 0 ? [] : [{ path, functions: always }];
  });
}

function whyExcluded(path: string): string | undefined {
  return EXCLUDED.find(([pattern]) => pattern.test(path))?.[1];
}

function print(files: readonly RunFile[]): void {
  const counted = files.filter(({ path }) => whyExcluded(path) === undefined);
  const out = (line: string) => process.stdout.write(`${line}\n`);
  for (const { path, functions } of counted) out(`${path}  ${functions.join(" ")}`);
  out("\nThese ran too, and do not count:");
  for (const { path } of files) {
    const reason = whyExcluded(path);
    if (reason) out(`  ${path}  (${reason})`);
  }
  out(`\n${counted.length} files of ours ran during one POST /user/{id}/cart/checkout.`);
}
