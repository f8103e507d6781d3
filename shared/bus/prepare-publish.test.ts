import { expect, test, vi } from "vitest";
import { NEWEST_JOB } from "./postgres-clock.ts";
import { type Connection, preparePublish } from "./prepare-publish.ts";

const insertInto = (queue: string) =>
  `\n  INSERT INTO pgboss.job_common (name) values ('${queue}')`;

test("preparePublish() names each statement of a publish", async () => {
  const query = vi.fn<Connection["query"]>(() => Promise.resolve());
  const connection = { query };
  preparePublish(connection);
  for (const text of [NEWEST_JOB, insertInto("a"), insertInto("b"), insertInto("a")]) {
    await connection.query(text, ["value"]);
  }
  expect(query.mock.calls).toEqual([
    [{ name: "publish_0", text: NEWEST_JOB }, ["value"]],
    [{ name: "publish_1", text: insertInto("a") }, ["value"]],
    [{ name: "publish_2", text: insertInto("b") }, ["value"]],
    [{ name: "publish_1", text: insertInto("a") }, ["value"]],
  ]);
});

test("preparePublish() does not change other statements of pg-boss", async () => {
  const query = vi.fn<Connection["query"]>(() => Promise.resolve());
  const connection = { query };
  preparePublish(connection);
  await connection.query("with next as (select 1) select $1", ["value"]);
  expect(query.mock.calls).toEqual([["with next as (select 1) select $1", ["value"]]]);
});
