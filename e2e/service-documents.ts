import { readFileSync } from "node:fs";

export interface HeaderDescription {
  readonly required?: boolean;
  readonly schema: object;
}

/** To a header that several responses have: `#/components/headers/<name>`. */
interface Reference {
  readonly $ref: string;
}

export interface ResponseDescription {
  readonly headers?: Readonly<Record<string, HeaderDescription | Reference>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Operation {
  readonly responses: Readonly<Record<string, ResponseDescription>>;
}

type Verbs = Readonly<Record<string, Operation>>;

export interface ServiceDocument {
  readonly name: string;
  readonly paths: Readonly<Record<string, Verbs>>;
  readonly components: { readonly headers: Readonly<Record<string, HeaderDescription>> };
}

/** A path of a document that matches a request's path. */
export interface Route {
  readonly document: ServiceDocument;
  /** As `/user/{user_id}/cart`. */
  readonly path: string;
  readonly verbs: Verbs;
}

function readDocument(name: string): ServiceDocument {
  const text = readFileSync(new URL(`../docs/api/${name}.json`, import.meta.url), "utf8");
  return { ...JSON.parse(text) as Omit<ServiceDocument, "name">, name };
}

/** The documents at /openapi.json of cart and loms; `npm run check` compares the files. */
export const SERVICE_DOCUMENTS: readonly ServiceDocument[] = ["cart", "loms", "stock"]
  .map(readDocument);

/** The services have no path in common, so the path identifies the service. */
const ROUTES = SERVICE_DOCUMENTS.flatMap((document) =>
  Object.entries(document.paths).map(([path, verbs]) => ({
    route: { document, path, verbs },
    pattern: new RegExp(`^${path.replaceAll(/\{.+?\}/g, "[^/]+")}$`),
  }))
).sort((a, b) => parametersOf(a.route) - parametersOf(b.route));

/** Literal paths precede those with parameters, as in the services. */
function parametersOf({ path }: Route): number {
  return path.split("{").length;
}

/** The headers of a response, references followed. */
export function headersOf(
  { components }: ServiceDocument,
  response: ResponseDescription,
): [name: string, HeaderDescription][] {
  return Object.entries(response.headers ?? {}).map(([name, described]) => {
    if (!("$ref" in described)) return [name, described];
    const target = described.$ref.split("/").at(-1) ?? "";
    return [name, components.headers[target] as HeaderDescription];
  });
}

/** The described path that `path` belongs to; a slash at its end makes no difference. */
export function findRoute(path: string): Route | undefined {
  const trimmed = path.length > 1 ? path.replace(/\/$/, "") : path;
  return ROUTES.find(({ pattern }) => pattern.test(trimmed))?.route;
}
