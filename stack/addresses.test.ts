import { expect, test } from "vitest";
import { chooseAddresses, originsOf } from "./addresses.ts";

test("chooseAddresses() accepts an admin address beyond loopback only with a token", async () => {
  const choose = (environment: Record<string, string>) => chooseAddresses(environment, [], false);
  const environment = { LOMS_ADMIN: "0.0.0.0:8094" };
  const { listeners } = await choose({ ...environment, LOMS_ADMIN_TOKEN: "s3cret" });
  expect(listeners.LOMS_ADMIN).toEqual({ host: "0.0.0.0", port: 8094 });
  await expect(choose(environment)).rejects.toThrow("LOMS_ADMIN_TOKEN: must be set");
});

test("originsOf() returns both names of a loopback listener", () => {
  const origins = "http://localhost:8082,http://127.0.0.1:8082";
  expect(originsOf("http://127.0.0.1:8082")).toBe(origins);
  expect(originsOf("http://localhost:8082/user")).toBe(origins);
});

test("originsOf() returns other addresses unchanged", () => {
  expect(originsOf("http://[::1]:8082")).toBe("http://[::1]:8082");
  expect(originsOf("http://192.0.2.1:80/")).toBe("http://192.0.2.1");
});
