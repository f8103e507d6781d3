import { z } from "zod";
import { orderEvent } from "../../proto/order-event.ts";

type Node = Record<string, unknown>;

/** Draft 2020-12 for the schema by itself; AsyncAPI's own schemas are a superset of draft 7. */
export type Dialect = "draft-2020-12" | "draft-7";

/**
 * The JSON Schema of an order event, from the zod schema that reads it. Bounds of int64 are bigints.
 * It is that of a reader, so an event may have fields that are not in it.
 */
export function orderEventSchema(target: Dialect): Node {
  const schema = z.toJSONSchema(orderEvent, {
    target,
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      writeBigints(jsonSchema);
    },
  });
  return readBigints(schema) as Node;
}

/** zod copies the schema as JSON, which knows no bigint. */
function writeBigints(node: Node): void {
  for (const [key, value] of Object.entries(node)) {
    if (typeof value === "bigint") node[key] = `${value}n`;
  }
}

function readBigints(value: unknown): unknown {
  if (typeof value === "string" && /^[0-9]+n$/.test(value)) return BigInt(value.slice(0, -1));
  if (Array.isArray(value)) return value.map(readBigints);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, readBigints(each)]));
}
