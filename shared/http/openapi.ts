import { jsonIntegers } from "../json-integer.ts";
import type { HttpApp } from "./app.ts";

/** What a document says of its service as a whole. */
export interface DocumentInfo {
  readonly title: string;
  readonly version: string;
  /** One line without a full stop. */
  readonly summary: string;
  readonly description: string;
  /** Where the service listens unless it is configured otherwise. */
  readonly defaultUrl: string;
  readonly tags: readonly DocumentTag[];
}

export interface DocumentTag {
  readonly name: string;
  readonly description: string;
}

/** The OpenAPI 3.1 document of everything mounted on `app`, as JSON text. */
export function openApiDocument(app: HttpApp, info: DocumentInfo): string {
  return textOf(app.getOpenAPI31Document({ openapi: "3.1.0", ...head(info) }));
}

/** The same in OpenAPI 3.0, for generators that cannot read 3.1. */
export function openApi30Document(app: HttpApp, info: DocumentInfo): string {
  return textOf(app.getOpenAPIDocument({ openapi: "3.0.3", ...head(info) }));
}

function head({ title, version, summary, description, defaultUrl, tags }: DocumentInfo) {
  const license = { name: "MIT", url: "https://opensource.org/license/mit" };
  return {
    info: { title, version, description: `${summary}.\n\n${description}`, license },
    servers: [
      // First, so that a page that shows the document calls the service that it came from.
      { url: "/", description: "Where this document comes from" },
      { url: defaultUrl, description: "`npm start` on this machine" },
    ],
    tags: tags.map((tag) => ({ ...tag })),
    // Whoever reaches a service may use it: it stands behind the shop's own front.
    security: [],
  };
}

/** Bounds and examples of int64 are bigints, and keep every digit. */
function textOf(document: object): string {
  return `${JSON.stringify(document, jsonIntegers, 2)}\n`;
}
