import { once } from "node:events";
import { Session } from "node:inspector/promises";
import { type AddressInfo, createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { CloseStack } from "../lifecycle.ts";
import { createLogger } from "../telemetry/log.ts";
import { openProfileListener } from "./profile-listener.ts";

const log = createLogger({ service: "cart", level: "error", write: () => {} });

/** Whether V8 samples allocations of this process. */
async function isSampling(): Promise<boolean> {
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.getSamplingProfile");
    return true;
  } catch {
    return false;
  } finally {
    session.disconnect();
  }
}

test("allocations are sampled while the listener is open", async () => {
  const opened = new CloseStack();
  await openProfileListener({ host: "127.0.0.1", port: 0 }, log, opened);
  expect(await isSampling()).toBe(true);
  await opened.close();
  expect(await isSampling()).toBe(false);
});

test("allocations are not sampled when another process has the address", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  await openProfileListener({ host: "127.0.0.1", port }, log, new CloseStack());
  expect(await isSampling()).toBe(false);
});
