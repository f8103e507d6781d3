import { Linter } from "eslint";
import { parser } from "typescript-eslint";
import { expect, test } from "vitest";
import { directions } from "./eslint.directions.js";

const linter = new Linter();

/** What the import rules say of one import statement in a file at that path. */
function complaint(filename: string, specifier: string): string | undefined {
  const config = [
    { files: ["**/*.ts"], languageOptions: { parser } },
    ...directions,
  ] as Linter.Config[];
  const code = `import { x } from ${JSON.stringify(specifier)};`;
  return linter.verify(code, config, { filename })[0]?.message;
}

test.each([
  ["cart/domain/add-item.ts", "zod", "The domain imports nothing but itself"],
  ["cart/domain/add-item.ts", "../repository/memory.ts", "The domain names what it needs"],
  ["cart/domain/add-item.ts", "../../shared/http/problem.ts", "The domain imports nothing but"],
  ["loms/http/order-pay.ts", "../repository/writer.ts", "A door calls an operation"],
  ["loms/grpc/server.ts", "postgres", "Its home is shared/postgres"],
  ["loms/grpc/server.ts", "@grpc/grpc-js", "Its home is shared/grpc"],
  ["loms/repository/writer.ts", "../grpc/server.ts", "Storage and clients implement"],
  ["notifier/service.ts", "../loms/service.ts", "A service imports no other service"],
  ["cart/http/routes.ts", "../../stack/start.ts", "A service imports no other service"],
  ["shared/http/serve.ts", "../../cart/config.ts", "shared/ and proto/ know no service"],
  ["shared/retry.ts", "pg-boss", "Its home is shared/bus"],
  ["proto/order-event.ts", "../loms/domain/order.ts", "shared/ and proto/ know no service"],
])("%s may not import %s", (filename, specifier, remedy) => {
  expect(complaint(filename, specifier)).toContain(remedy);
});

test.each([
  ["cart/domain/add-item.ts", "../../shared/errors.ts"],
  ["cart/domain/list-cart.ts", "../../shared/async/task-group.ts"],
  ["cart/http/add-item.ts", "@hono/zod-openapi"],
  ["cart/http/add-item.ts", "../domain/add-item.ts"],
  ["shared/http/serve.ts", "@hono/node-server"],
  ["loms/service.ts", "./repository/writer.ts"],
  ["loms/outbox/relay.ts", "../../shared/bus/bus.ts"],
  ["loms/repository/writer.ts", "../../proto/loms/v1/schemas.ts"],
  ["loms/repository/writer.ts", "../../shared/postgres/pool.ts"],
])("%s may import %s", (filename, specifier) => {
  expect(complaint(filename, specifier)).toBeUndefined();
});
