import { createServer } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { freePorts, isFree } from "./ports.ts";

test("freePorts() never returns a port twice, even if nothing listens on it yet", async () => {
  const given = await Promise.all(Array.from({ length: 4 }, () => freePorts(100)));
  expect(new Set(given.flat()).size).toBe(400);
});

test("isFree() returns whether the port is free", async () => {
  const [port = 0] = await freePorts(1);
  const address = { host: "127.0.0.1", port };
  expect(await isFree(address)).toBe(true);
  const server = createServer();
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(port, address.host, resolve));
  expect(await isFree(address)).toBe(false);
});
