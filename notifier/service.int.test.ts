import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { ORDER_EVENTS } from "../proto/order-event.ts";
import type { Bus, OutgoingMessage } from "../shared/bus/bus.ts";
import { PostgresBus } from "../shared/bus/postgres.ts";
import { createLogger } from "../shared/telemetry/log.ts";
import { PROJECT_DIRECTORY } from "../stack/services.ts";
import { type TestDatabase, testDatabase } from "../stack/test/database.ts";
import { notifierConfig } from "./config.ts";
import { type RunningNotifier, startNotifier } from "./service.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const STATUSES = ["new", "awaiting payment", "payed"] as const;
const RUN = "Deno" in globalThis ? ["run", "-A"] : [];
const PROCESS_TIMEOUT_MS = 60_000;
const silent = createLogger({ service: "notifier", level: "error", write: () => {} });

let databases: TestDatabase[];
let bus: Bus;
let running: RunningNotifier[];
/** The lines of all notifiers, in the order printed. */
let lines: string[];

beforeEach(async () => {
  databases = await Promise.all([testDatabase("notifier"), testDatabase("bus")]);
  bus = new PostgresBus({ url: databases[1]?.primaryUrl ?? "", log: silent });
  running = [];
  lines = [];
});
afterEach(async () => {
  await Promise.all(running.map((notifier) => notifier.close()));
  await bus.close();
  await Promise.all(databases.map((database) => database.drop()));
});

function settings() {
  return {
    NOTIFIER_HTTP: "127.0.0.1:0",
    NOTIFIER_DATABASE_URL: databases[0]?.primaryUrl ?? "",
    BUS_DATABASE_URL: databases[1]?.primaryUrl ?? "",
    LOG_FORMAT: "json",
  };
}

/** `print` takes lines and calls back when the output has them. */
async function openNotifier(
  print: (text: string, done: () => void) => void = (text, done) => {
    lines.push(...text.trimEnd().split("\n"));
    done();
  },
): Promise<RunningNotifier> {
  const config = notifierConfig(settings());
  const output = { write: (text: string, done: () => void) => print(text, done) };
  const notifier = await startNotifier(config, { log: silent, output });
  running.push(notifier);
  return notifier;
}

function event(orderId: number, seq: number): OutgoingMessage {
  const status = STATUSES[seq - 1];
  const id = `${orderId}-${seq}`;
  const at = "2026-01-01T00:00:00.000Z";
  const value = JSON.stringify({ id, order_id: orderId, user_id: 5, seq, status, at });
  const headers = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, ce_id: id };
  return { key: String(orderId), value, headers };
}

function shown(): string[] {
  return lines.map((line) => {
    const { order_id, seq } = JSON.parse(line) as { order_id: number; seq: number };
    return `${order_id}-${seq}`;
  });
}

async function isShown(...ids: readonly string[]): Promise<void> {
  await expect.poll(shown, { timeout: 15_000 }).toEqual(expect.arrayContaining([...ids]));
}

test("the notifier prints one line per event, in order, with the trace of the change", async () => {
  await openNotifier();
  await bus.publish(ORDER_EVENTS, [event(1, 1), event(1, 2), event(1, 3)]);
  await isShown("1-3");
  expect(shown()).toEqual(["1-1", "1-2", "1-3"]);
  expect(JSON.parse(lines[1] ?? "")).toMatchObject({
    service: "notifier",
    order_id: 1,
    user_id: 5,
    status: "awaiting payment",
    seq: 2,
    at: "2026-01-01T00:00:00.000Z",
    trace_id: TRACE_ID,
  });
});

test("the notifier drops duplicates and stale events", async () => {
  await openNotifier();
  const twice = [event(1, 1), event(1, 2), event(1, 1), event(1, 2)];
  await bus.publish(ORDER_EVENTS, [...twice, event(1, 3), event(1, 2)]);
  // It has the same key, so it follows all of them.
  await bus.publish(ORDER_EVENTS, [event(1, 3), { ...event(2, 1), key: "1" }]);
  await isShown("2-1");
  expect(shown()).toEqual(["1-1", "1-2", "1-3", "2-1"]);
});

test("the notifier shows nothing twice after a restart", async () => {
  const first = await openNotifier();
  await bus.publish(ORDER_EVENTS, [event(1, 1), event(1, 2)]);
  await isShown("1-2");
  await first.close();
  await bus.publish(ORDER_EVENTS, [event(1, 2), event(1, 3)]);
  await openNotifier();
  await isShown("1-3");
  expect(shown()).toEqual(["1-1", "1-2", "1-3"]);
});

test("the notifier dead-letters unreadable events and continues", async () => {
  await openNotifier();
  const poison = { ...event(1, 2), value: '{"id":"1-2","order_id":1' };
  await bus.publish(ORDER_EVENTS, [event(1, 1), poison, event(1, 3)]);
  await isShown("1-3");
  expect(shown()).toEqual(["1-1", "1-3"]);
  expect(await bus.readDeadLetterQueue(ORDER_EVENTS, 10)).toMatchObject([{
    ...poison,
    reason: "Cannot read the order event: the value is not JSON",
  }]);
});

test("two notifiers show each event once, also when one of them stops", async () => {
  const leaving = await openNotifier();
  await openNotifier();
  const orders = Array.from({ length: 40 }, (_, index) => index + 1);
  const publishAll = (seq: number) => bus.publish(ORDER_EVENTS, orders.map((id) => event(id, seq)));
  await publishAll(1);
  const published = publishAll(2);
  await leaving.close();
  await published;
  await publishAll(3);
  await isShown(...orders.map((id) => `${id}-3`));
  expect(lines).toHaveLength(120);
  for (const id of orders) {
    const own = shown().filter((each) => each.startsWith(`${id}-`));
    expect(own).toEqual([`${id}-1`, `${id}-2`, `${id}-3`]);
  }
});

test("close() waits until the current line is printed and remembered", async () => {
  let printed = () => {};
  const started = new Promise<void>((resolve) => {
    void openNotifier((line, done) => {
      lines.push(line);
      printed = done;
      resolve();
    }).then(() => bus.publish(ORDER_EVENTS, [event(1, 1)]));
  });
  await started;
  const closed = running[0]?.close();
  printed();
  await closed;
  await openNotifier();
  await bus.publish(ORDER_EVENTS, [event(1, 1), event(1, 2)]);
  await isShown("1-2");
  expect(shown()).toEqual(["1-1", "1-2"]);
});

test("a notifier stops with its reader, and the next one shows the event", async () => {
  await bus.publish(ORDER_EVENTS, [event(1, 1)]);
  const notifier = spawn(process.execPath, [...RUN, "notifier/main.ts"], {
    cwd: PROJECT_DIRECTORY,
    // Its first line is the notification.
    env: { ...process.env, ...settings(), NOTIFIER_PROFILE: "127.0.0.1:0", LOG_LEVEL: "error" },
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void notifier.kill("SIGKILL"));
  notifier.stdout.destroy();
  expect(await once(notifier, "close")).toEqual([0, null]);
  await openNotifier();
  await isShown("1-1");
}, PROCESS_TIMEOUT_MS);

test("the notifier reports its health", async () => {
  const notifier = await openNotifier();
  expect(await statusOf(`${notifier.url}/healthz`)).toBe(200);
  expect(await statusOf(`${notifier.url}/readyz`)).toBe(200);
  expect(await statusOf(`${notifier.url}/user/1/cart/list`)).toBe(404);
});

async function statusOf(url: string): Promise<number> {
  const response = await fetch(url);
  await response.arrayBuffer();
  return response.status;
}
