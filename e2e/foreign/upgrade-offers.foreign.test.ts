import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { Runtime } from "../../stack/processes/runtimes.ts";
import type { Stack } from "../../stack/start.ts";
import { startOwnCart } from "../alone.ts";
import { newDataDirectory, removeDirectory, startOwnStack } from "../own-stack.ts";

const programs = inject("foreign");
const run = promisify(execFile);
const JAVA_SOURCE = fileURLToPath(new URL("http-client.java", import.meta.url));
const CLASS = "Requests";
const SKU = 1_005;
const USER = 77;
const runtimes: Runtime[] = ["node", "deno"];

type Sent = readonly [method: string, url: string, body: string];

/** What a buyer does, and the status of each answer. */
const purchase = (cart: string, loms: string): [Sent, number][] => [
  [["POST", `${cart}/user/${USER}/cart/${SKU}`, `{"count":2}`], 200],
  [["POST", `${cart}/user/${USER}/cart/0`, `{"count":2}`], 400],
  [["GET", `${cart}/user/${USER}/cart/list`, ""], 200],
  [["POST", `${cart}/user/${USER}/cart/checkout`, ""], 200],
  [["DELETE", `${cart}/user/${USER}/cart`, ""], 204],
  [["POST", `${loms}/v1/stock/info`, `{"sku":${SKU}}`], 200],
];

describe.skipIf(!programs)("clients that offer to upgrade", () => {
  let stack: Stack;
  let listeners: readonly string[];
  const directory = newDataDirectory();
  beforeAll(async () => {
    if (!programs) return;
    [stack] = await Promise.all([
      startOwnStack(),
      run(programs.javac, ["-d", directory, JAVA_SOURCE]),
    ]);
    const { cart, loms = "", notifier, products } = stack.urls;
    listeners = [cart, loms, notifier, products];
  });
  afterAll(async () => {
    await stack?.close();
    removeDirectory(directory);
  });

  /** Status and version of each answer to Java's HttpClient. */
  async function byJava(sent: readonly Sent[]): Promise<string[]> {
    const java = programs?.java ?? "";
    const { stdout } = await run(java, ["-cp", directory, CLASS, ...sent.flat()]);
    return stdout.trimEnd().split("\n").map((line) => line.split(" ", 2).join(" "));
  }

  /** The status of the answer to curl, which offers h2c. */
  async function byCurl([method, url, body]: Sent): Promise<number> {
    const data = body ? ["--json", body] : [];
    const options = ["--silent", "--http2", "--output", "/dev/null", "--write-out", "%{http_code}"];
    const { stdout } = await run(programs?.curl ?? "", [...options, "-X", method, ...data, url]);
    return Number(stdout);
  }

  test.each(runtimes)("Java's HttpClient and curl --http2 buy from cart on %s", async (runtime) => {
    const cart = await startOwnCart(stack, {}, runtime);
    const steps = purchase(cart.url, stack.urls.loms ?? "");
    const expected = steps.map(([, status]) => `${status} HTTP_1_1`);
    expect(await byJava(steps.map(([sent]) => sent))).toEqual(expected);
    for (const [sent, status] of steps) expect(await byCurl(sent), sent.join(" ")).toBe(status);
    await cart.close();
  });

  test("every listener answers Java's HttpClient and curl --http2 on its probe", async () => {
    const sent = listeners.map((url): Sent => ["GET", `${url}/healthz`, ""]);
    expect(await byJava(sent)).toEqual(listeners.map(() => "200 HTTP_1_1"));
    for (const each of sent) expect(await byCurl(each), each[1]).toBe(200);
  });

  test("every listener answers the request that offers a web socket", async () => {
    const sent = listeners.map((url): Sent => [
      "WEBSOCKET",
      `${url.replace("http:", "ws:")}/healthz`,
      "",
    ]);
    expect(await byJava(sent)).toEqual(listeners.map(() => "200 HTTP_1_1"));
  });
});
