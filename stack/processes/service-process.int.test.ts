import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { freePorts } from "../ports.ts";
import { isRunning, type ProcessIdentity } from "./identity.ts";
import { ServiceProcess } from "./service-process.ts";

const FIXTURE = fileURLToPath(new URL("service-fixture.ts", import.meta.url));

let directory: string;
let opened: ServiceProcess[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "service process "));
  opened = [];
});
afterEach(async () => {
  for (const service of opened) await service.kill();
  rmSync(directory, { recursive: true });
});

async function createService(behaviour = "serves") {
  const [port] = await freePorts(1);
  const lines: string[] = [];
  const onEnd = vi.fn<(ending: string) => void>();
  const service = new ServiceProcess({
    name: "fixture",
    command: [process.execPath, FIXTURE, String(port), behaviour],
    directory,
    environment: {},
    readyUrl: `http://127.0.0.1:${port}/readyz`,
    logPath: join(directory, "fixture.log"),
    onLine: (line) => lines.push(line),
    onSpawn: () => {},
    onEnd,
  });
  opened.push(service);
  const answers = async (timeoutMs = 5_000) => {
    const signal = AbortSignal.timeout(timeoutMs);
    return await fetch(`http://127.0.0.1:${port}/`, { signal }).then(() => true, () => false);
  };
  return { service, lines, onEnd, answers };
}

test("start() resolves when the service is ready, and stop() when it has ended", async () => {
  const { service, lines, onEnd, answers } = await createService();
  await service.start();
  expect(await answers()).toBe(true);
  await service.stop();
  expect(await answers()).toBe(false);
  expect(lines).toEqual(["serving", "stopping"]);
  expect(onEnd).not.toHaveBeenCalled();
});

test("load() starts a process that waits for start() or stop()", async () => {
  const { service, answers } = await createService();
  await service.load();
  const { identity } = service;
  await service.start();
  expect([await answers(), service.identity]).toEqual([true, identity]);
  await service.stop();
  await service.load();
  await service.stop();
  expect(isRunning(service.identity as ProcessIdentity)).toBe(false);
});

test("start() reports the last lines of a service that ends instead", async () => {
  const { service } = await createService("dies");
  await expect(service.start()).rejects.toThrow(
    "fixture did not start (exit code 1):\nWrong settings:\n  EVERYTHING: is wrong",
  );
});

test("a service that ends unexpectedly is reported, a killed one is not", async () => {
  const { service, onEnd } = await createService();
  await service.start();
  process.kill((service.identity as ProcessIdentity).pid, "SIGKILL");
  await expect.poll(() => onEnd.mock.calls).toEqual([["SIGKILL"]]);
  await service.restart();
  await service.kill();
  await service.restart();
  expect(onEnd).toHaveBeenCalledOnce();
});

test("a paused service does not answer until it is resumed, and can be stopped", async () => {
  const { service, answers } = await createService();
  await service.start();
  service.pause();
  expect(await answers(200)).toBe(false);
  service.resume();
  expect(await answers()).toBe(true);
  service.pause();
  const identity = service.identity as ProcessIdentity;
  await service.stop();
  expect(isRunning(identity)).toBe(false);
});
