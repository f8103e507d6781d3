import { expect, test } from "vitest";
import { originsOf } from "./addresses.ts";

test("originsOf() names a listener on loopback in both ways", () => {
  const origins = "http://localhost:8082,http://127.0.0.1:8082";
  expect(originsOf("http://127.0.0.1:8082")).toBe(origins);
  expect(originsOf("http://localhost:8082/user")).toBe(origins);
});

test("originsOf() leaves another address as it is", () => {
  expect(originsOf("http://[::1]:8082")).toBe("http://[::1]:8082");
  expect(originsOf("http://192.0.2.1:80/")).toBe("http://192.0.2.1");
});
