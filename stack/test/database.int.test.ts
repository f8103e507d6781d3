import postgres from "postgres";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type TestDatabase, testDatabase } from "./database.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await testDatabase("empty");
});
afterAll(() => database.drop());

it("testDatabase() reads acknowledged writes on its replica", async () => {
  const primary = postgres(database.primaryUrl, { max: 1 });
  const replica = postgres(database.replicaUrl, { max: 1 });
  try {
    await primary`create table seen (id int8 primary key)`;
    for (let id = 1; id <= 50; id++) {
      await primary`insert into seen values (${id})`;
      const rows = await replica<{ top: string }[]>`select max(id)::text as top from seen`;
      expect(rows[0]?.top).toBe(String(id));
    }
  } finally {
    await primary.end();
    await replica.end();
  }
});

it("testDatabase() clones the migrated schema of loms", async () => {
  const clone = await testDatabase("loms");
  const replica = postgres(clone.replicaUrl, { max: 1 });
  try {
    const rows = await replica`select to_regclass('stocks') is not null as present`;
    expect(rows[0]?.present).toBe(true);
  } finally {
    await replica.end();
    await clone.drop();
  }
});

it("testDatabase() creates a database for each concurrent caller", async () => {
  const clones = await Promise.all(Array.from({ length: 4 }, () => testDatabase("loms")));
  expect(new Set(clones.map((clone) => clone.primaryUrl)).size).toBe(4);
  await Promise.all(clones.map((clone) => clone.drop()));
});
