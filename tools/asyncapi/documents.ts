import { readFileSync } from "node:fs";
import { parse, stringify } from "yaml";
import { z } from "zod";
import { orderEvent } from "../../proto/order-event.ts";
import { stockEvent } from "../../proto/stock-event.ts";
import { jsonIntegers } from "../../shared/json.ts";

/** The AsyncAPI document of loms, with names of schemas in place of the payloads. */
const TEMPLATE = new URL("events.yaml", import.meta.url);
const SCHEMAS = {
  "order-event.schema.json": orderEvent,
  "stock-event.schema.json": stockEvent,
} as const;
const WIDTH = 100;
/** Many tools read YAML 1.1, which takes an unquoted time for a date. */
const YAML_VERSION = "1.1";

interface Template {
  readonly components: {
    readonly messages: Readonly<Record<string, { payload: keyof typeof SCHEMAS | Node }>>;
  };
}

type Node = Record<string, unknown>;

/** The documents of the events of loms, by file name. */
export function eventDocuments(): Readonly<Record<string, string>> {
  const text = readFileSync(TEMPLATE, "utf8");
  const document = parse(text, { version: YAML_VERSION, intAsBigInt: true }) as Template;
  for (const message of Object.values(document.components.messages)) {
    const schema = SCHEMAS[message.payload as keyof typeof SCHEMAS];
    // AsyncAPI's own schemas are a superset of draft 7.
    const { $schema: _dialect, ...payload } = eventSchema(schema, "draft-7");
    message.payload = payload;
  }
  const schemas = Object.entries(SCHEMAS).map(([name, schema]) =>
    [name, `${JSON.stringify(eventSchema(schema, "draft-2020-12"), jsonIntegers, 2)}\n`] as const
  );
  return {
    "events.yaml": stringify(document, {
      lineWidth: WIDTH,
      version: YAML_VERSION,
      aliasDuplicateObjects: false,
    }),
    ...Object.fromEntries(schemas),
  };
}

/**
 * The JSON Schema of an event, from the zod schema that reads it. Bounds of int64 are bigints. It
 * allows further fields, as a reader does.
 */
function eventSchema(schema: z.ZodType, target: "draft-2020-12" | "draft-7"): Node {
  const described = z.toJSONSchema(schema, {
    target,
    io: "input",
    unrepresentable: "any",
    override({ jsonSchema }) {
      // zod copies the schema as JSON, which has no bigints.
      for (const [key, value] of Object.entries(jsonSchema)) {
        if (typeof value === "bigint") (jsonSchema as Node)[key] = `${value}n`;
      }
    },
  });
  return JSON.parse(
    JSON.stringify(described),
    (_key, value: unknown) =>
      typeof value === "string" && /^[0-9]+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  ) as Node;
}
