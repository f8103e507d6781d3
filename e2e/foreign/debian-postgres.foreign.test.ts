import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { openAdmin } from "../../stack/postgres/admin.ts";
import type { PostgresPair } from "../../stack/postgres/pair.ts";
import { startDebianPair } from "./debian-postgres.ts";

const programs = inject("foreign");

describe.skipIf(!programs)("a PostgreSQL pair of Debian", () => {
  let pair: PostgresPair;
  beforeAll(async () => {
    if (programs) pair = await startDebianPair(programs);
  });
  afterAll(() => pair?.close());

  test("has a synchronous standby", async () => {
    const admin = openAdmin(pair.primaryUrl("postgres"));
    try {
      expect(await admin.synchronousStandbys()).toEqual(["standby1"]);
    } finally {
      await admin.close();
    }
  });
});
