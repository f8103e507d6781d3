import { Linter } from "eslint";
import { parser } from "typescript-eslint";
import { expect, test } from "vitest";
import { directions } from "./eslint.directions.js";

const linter = new Linter();

/** The message of the import rules for one import in a file at that path; `$` is the specifier. */
function complaint(
  filename: string,
  specifier: string,
  form = "import { x } from $;",
): string | undefined {
  const config = [
    { files: ["**/*.ts"], languageOptions: { parser } },
    ...directions,
  ] as Linter.Config[];
  const code = form.replace("$", JSON.stringify(specifier));
  return linter.verify(code, config, { filename })[0]?.message;
}

test.each([
  ["cart/domain/add-item.ts", "zod", "The domain imports nothing but itself"],
  ["cart/domain/add-item.ts", "../repository/memory.ts", "The domain names what it needs"],
  ["cart/domain/add-item.ts", "../../shared/http/problem.ts", "The domain imports nothing but"],
  ["loms/http/order-pay.ts", "../repository/writer.ts", "A transport calls an operation"],
  ["loms/rpc/rpc.ts", "../../shared/grpc/unary.ts", "Methods and their chain import no transport"],
  ["loms/rpc/rpc.ts", "../http/app.ts", "Methods and their chain import no transport"],
  ["loms/rpc/rpc.ts", "../repository/writer.ts", "Methods and their chain import no transport"],
  ["loms/grpc/server.ts", "postgres", "Its home is shared/postgres"],
  ["loms/grpc/server.ts", "@grpc/grpc-js", "Its home is shared/grpc"],
  ["loms/repository/writer.ts", "../grpc/server.ts", "Storage and clients implement"],
  ["notifier/service.ts", "../loms/service.ts", "A service imports no other service"],
  ["cart/http/routes.ts", "../../stack/start.ts", "A service imports no other service"],
  ["shared/http/listen.ts", "../../cart/config.ts", "shared/ imports no service"],
  ["shared/retry.ts", "pg-boss", "Its home is shared/bus"],
  ["shared/telemetry/log.ts", "../grpc/client.ts", "import each other in one direction"],
  ["shared/async/loop.ts", "../telemetry/log.ts", "import each other in one direction"],
  ["proto/order-event.ts", "../loms/domain/deps.ts", "proto/ imports no other folder"],
  ["proto/order-event.ts", "../shared/errors.ts", "proto/ imports no other folder"],
  ["drizzle/loms/schema.ts", "../../loms/domain/deps.ts", "A schema imports no service"],
  ["drizzle/main.ts", "../stack/start.ts", "A schema imports no service"],
  ["drizzle/main.ts", "postgres", "Its home is shared/postgres"],
  ["stack/launcher.ts", "../tools/shop.ts", "The launcher imports no tool"],
  ["stack/postgres/pair.ts", "../../e2e/http.ts", "The launcher imports no tool"],
  ["tools/shop.ts", "../e2e/http.ts", "A tool imports no test"],
  ["tools/openapi/generate.ts", "../../deploy/grafana/generate.ts", "A tool imports no test"],
  ["e2e/shop.ts", "../cart/service.ts", "Black-box tests use the system over its ports"],
  ["e2e/shop.ts", "../bench/log-line.ts", "Black-box tests use the system over its ports"],
  ["bench/start/main.ts", "../../e2e/http.ts", "A benchmark imports what it measures"],
  ["deploy/image/healthy.ts", "../../tools/shop.ts", "An image holds services"],
])("%s may not import %s", (filename, specifier, remedy) => {
  expect(complaint(filename, specifier)).toContain(remedy);
});

test.each([
  ["cart/domain/add-item.ts", "../../shared/errors.ts"],
  ["cart/domain/list-cart.ts", "../../shared/async/task-group.ts"],
  ["cart/http/routes.ts", "@hono/zod-openapi"],
  ["cart/http/routes.ts", "../domain/add-item.ts"],
  ["shared/http/listen.ts", "@hono/node-server"],
  ["shared/http/app.ts", "../telemetry/log.ts"],
  ["loms/rpc/rpc.ts", "../domain/order-info.ts"],
  ["loms/grpc/server.ts", "../rpc/rpc.ts"],
  ["loms/service.ts", "./repository/writer.ts"],
  ["loms/outbox/relay.ts", "../../shared/bus/bus.ts"],
  ["loms/repository/writer.ts", "../../proto/loms/v1/schemas.ts"],
  ["loms/repository/writer.ts", "../../drizzle/loms/schema.ts"],
  ["loms/repository/writer.ts", "../../shared/postgres/pool.ts"],
  ["drizzle/loms/schema.ts", "../../proto/order-status.ts"],
  ["stack/plan.ts", "../loms/config.ts"],
  ["stack/postgres/admin.ts", "postgres"],
  ["tools/shop.ts", "../stack/stack-file.ts"],
  ["e2e/shop.ts", "../stack/start.ts"],
  ["bench/orders-against.ts", "../drizzle/loms/schema.ts"],
  ["deploy/image/cache-modules.ts", "../../loms/service.ts"],
])("%s may import %s", (filename, specifier) => {
  expect(complaint(filename, specifier)).toBeUndefined();
});

test.each([
  ["cart/domain/add-item.test.ts", "../../stack/test/database.ts"],
  ["deploy/test/main.ts", "../../e2e/http.ts"],
])("a test may import anything: %s imports %s", (filename, specifier) => {
  expect(complaint(filename, specifier)).toBeUndefined();
});

test.each([
  "import type { Cart } from $;",
  "export { startCart } from $;",
  "export * from $;",
  "type Cart = import($).Cart;",
  "const { startCart } = await import($);",
  "const { startCart } = require($);",
])("the rules cover %s", (form) => {
  const remedy = "shared/ imports no service";
  expect(complaint("shared/retry.ts", "../cart/service.ts", form)).toContain(remedy);
});
