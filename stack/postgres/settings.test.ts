import { expect, test } from "vitest";
import { commonSettings, renderSettings } from "./settings.ts";

test("commonSettings() makes a commit wait for every standby", () => {
  const settings = commonSettings({ port: 1, standbys: ["standby1", "standby2"], durable: true });
  expect(settings.synchronous_standby_names).toBe("FIRST 2 (standby1, standby2)");
  expect(settings.synchronous_commit).toBe("remote_apply");
});

test("commonSettings() turns fsync off only if the data need not be durable", () => {
  expect(commonSettings({ port: 1, standbys: [], durable: true })).not.toHaveProperty("fsync");
  expect(commonSettings({ port: 1, standbys: [], durable: false }).fsync).toBe("off");
});

test("renderSettings() quotes quotes in values", () => {
  expect(renderSettings({ name: "it's" })).toContain("name = 'it''s'\n");
});
