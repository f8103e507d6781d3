import type { DocumentInfo } from "../../shared/http/openapi.ts";

/** What the document of loms says beside its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Loms",
  version: "1.0.0",
  summary: "Orders and stock: the same five methods as gRPC service loms.v1.Loms",
  description:
    `Integers are exact over the whole range of int64: a client must keep every digit of ids, also above
2^53; \`user\` and \`orderID\` are also taken as decimal strings. Every failure is a problem
(RFC 9457) whose \`code\` is the field to decide by.`,
  defaultUrl: "http://127.0.0.1:8084",
  tags: [
    { name: "orders", description: "From the reservation to the payment" },
    { name: "stock", description: "What can be bought" },
  ],
};
