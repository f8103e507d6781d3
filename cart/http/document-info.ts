import type { DocumentInfo } from "../../shared/http/openapi.ts";

/** What the document of cart says beside its routes. */
export const DOCUMENT_INFO: DocumentInfo = {
  title: "Cart",
  version: "1.0.0",
  summary: "What the shop's users have picked, and their checkout",
  description:
    `Integers are exact over the whole range of int64: a client must keep every digit of ids and prices,
also above 2^53. Every failure is a problem (RFC 9457) whose \`code\` is the field to decide by.`,
  defaultUrl: "http://127.0.0.1:8082",
  tags: [{ name: "cart", description: "The cart of a user, from the first line to the order" }],
};
