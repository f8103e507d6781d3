import { stringify } from "yaml";
import { NOTIFIER_GROUP, ORDER_EVENTS_DEAD_LETTER_QUEUE } from "../../proto/order-event.ts";
import { jsonIntegers } from "../../shared/json.ts";
import { channelOf, eventSchema, messageOf, operationOf } from "./described-event.ts";
import { ORDER_EVENT, STOCK_EVENT } from "./events.ts";

const EVENTS = [ORDER_EVENT, STOCK_EVENT];
const WIDTH = 100;
/** Many tools read that, and take a time without quotes for a date. */
const OLD_YAML = "1.1";

/** The documents of what loms publishes, by the name of their file. */
export function eventDocuments(): Readonly<Record<string, string>> {
  const schemaOf = ({ schema }: typeof ORDER_EVENT) =>
    `${JSON.stringify(eventSchema(schema, "draft-2020-12"), jsonIntegers, 2)}\n`;
  return {
    "events.yaml": stringify(asyncApi(), { lineWidth: WIDTH, version: OLD_YAML }),
    "order-event.schema.json": schemaOf(ORDER_EVENT),
    "stock-event.schema.json": schemaOf(STOCK_EVENT),
  };
}

/** AsyncAPI 3.0 describes one application: loms, which sends. */
function asyncApi() {
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Order and stock events",
      version: "1.1.0",
      description:
        `Each status change of an order, \`new\` included, is published at least once, in \
order per order; changes of stock likewise, in order per SKU. Integers are exact over the whole \
range of int64: keep every digit of ids, also above 2^53. What a reader cannot read it puts aside \
into \`${ORDER_EVENTS_DEAD_LETTER_QUEUE}\`, as the consumer group \`${NOTIFIER_GROUP}\` does.`,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
      contact: { name: "Marketplace" },
      tags: [
        { name: "orders", description: "The life of an order" },
        { name: "stock", description: "What arrives, is counted, sells out and returns" },
      ],
    },
    defaultContentType: "application/json",
    servers: {
      local: {
        host: "127.0.0.1:19092",
        protocol: "kafka",
        description:
          "The broker of `npm start -- --kafka`; elsewhere it is what KAFKA_BROKERS names",
      },
    },
    channels: Object.fromEntries(EVENTS.map((event) => [event.channel, channelOf(event)])),
    operations: {
      publishOrderEvents: operationOf(ORDER_EVENT),
      publishStockEvents: operationOf(STOCK_EVENT),
    },
    components: {
      messages: Object.fromEntries(EVENTS.map((event) => [event.message, messageOf(event)])),
    },
  };
}
