import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { commonSettings } from "../../stack/postgres/settings.ts";

const CONF = readFileSync(new URL("postgresql.conf", import.meta.url), "utf8");
/** Settings that differ in a container: its interfaces, port and socket. */
const OWN = ["listen_addresses", "port", "unix_socket_directories"];

test("postgresql.conf has the settings of the stack without containers", () => {
  const stack = commonSettings({ port: 0, standbys: ["replica1"], durable: true });
  const expected = Object.entries(stack).filter(([name]) => !OWN.includes(name));
  const settings = [...CONF.matchAll(/^(\w+) = '(.*)'$/gm)].map(([, name, value]) => [name, value]);
  expect(settings).toEqual([["listen_addresses", "*"], ...expected]);
});
