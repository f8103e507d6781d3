import { METHODS } from "node:http";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import {
  findRoute,
  type HeaderDescription,
  headersOf,
  type ResponseDescription,
  type Route,
  SERVICE_DOCUMENTS,
} from "./service-documents.ts";

/**
 * Paths that no document describes: those for operators, the pages, and those of the stand-in of an
 * external service.
 */
const UNDESCRIBED = new RegExp(
  "^/(healthz|readyz|metrics|debug/pprof(/.*)?|openapi\\.json|swagger-ui(/.*)?|" +
    "get_product|list_skus|stats|faults|products(/.*)?)?$",
);
const PROBLEM_TYPE = "application/problem+json";

/** The part of a response that a document describes. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

const ajv = new Ajv2020({
  strict: false,
  validateSchema: false,
  allErrors: true,
  coerceTypes: false,
  formats: { int32: true, int64: true, "date-time": true, "uri-reference": true },
});
for (const document of SERVICE_DOCUMENTS) ajv.addSchema(document, document.name);
const problemSchema = { $ref: `${SERVICE_DOCUMENTS[0]?.name}#/components/schemas/Problem` };
const compiled = new Map<string, ValidateFunction>();

/**
 * Compares a response with the document of its service.
 * @throws {Error} with all differences
 */
export function expectDescribed(method: string, target: string, answer: Answer): void {
  const path = target.split("?")[0] ?? target;
  const faults = faultsOf(method, path, answer);
  if (faults.length === 0) return;
  const shown = `${method} ${target} was answered ${answer.status} ${answer.text}`;
  throw new Error(`Not as its document says: ${faults.join("; ")}. ${shown}`);
}

function faultsOf(method: string, path: string, answer: Answer): string[] {
  const route = findRoute(path);
  if (!route) return UNDESCRIBED.test(path) ? [] : faultsOfRefusal(404, answer);
  const verb = (method === "HEAD" ? "GET" : method).toLowerCase();
  const operation = route.verbs[verb];
  if (isUnknownVerb(method, answer)) return [];
  if (!operation) return method === "OPTIONS" ? faultsOfOptions(answer) : faultsOf405(answer);
  const response = operation.responses[answer.status];
  if (!response) return [`status ${answer.status} is not described`];
  const place = { route, verb, status: answer.status };
  const faults = faultsOfHeaders(route, response, answer.headers);
  return method === "HEAD" ? faults : [...faults, ...faultsOfBody(place, response, answer)];
}

/** Node's parser answers unknown verbs before any route is matched. */
function isUnknownVerb(method: string, { status, text }: Answer): boolean {
  return !METHODS.includes(method) && status === 400 && text === "";
}

function faultsOfRefusal(status: number, answer: Answer): string[] {
  if (answer.status !== status) return [`status ${answer.status} instead of ${status}`];
  if (answer.headers.get("content-type") !== PROBLEM_TYPE) return ["no problem"];
  return faultsOfJson(answer.text, compiledOnce("Problem", problemSchema));
}

function faultsOf405(answer: Answer): string[] {
  const allow = answer.headers.get("allow") ? [] : ["no Allow"];
  return [...allow, ...faultsOfRefusal(405, answer)];
}

function faultsOfOptions({ status, headers }: Answer): string[] {
  return status === 204 && headers.get("allow") ? [] : ["OPTIONS is 204 with Allow"];
}

function faultsOfHeaders(
  { document }: Route,
  response: ResponseDescription,
  headers: Headers,
): string[] {
  return headersOf(document, response).flatMap(([name, described]) => {
    const value = headers.get(name);
    if (value === null) return described.required ? [`no header ${name}`] : [];
    const isValid = compiledOnce(JSON.stringify(described.schema), described.schema);
    return isValid(headerValue(described, value)) ? [] : [`header ${name} is ${value}`];
  });
}

function headerValue({ schema }: HeaderDescription, text: string): unknown {
  return (schema as { type?: string }).type === "integer" ? Number(text) : text;
}

interface Place {
  readonly route: Route;
  readonly verb: string;
  readonly status: number;
}

function faultsOfBody(place: Place, { content }: ResponseDescription, answer: Answer): string[] {
  const type = answer.headers.get("content-type");
  if (!content) return answer.text === "" && type === null ? [] : ["a body that is not described"];
  if (type === null || !Object.hasOwn(content, type)) return [`content type ${type}`];
  return faultsOfJson(answer.text, compiledOnce(...schemaOf(place, type)));
}

/** A name for the schema of a body, and a reference to its place in the document. */
function schemaOf({ route, verb, status }: Place, type: string): [string, object] {
  const steps = ["paths", route.path, verb, "responses", String(status), "content", type, "schema"];
  const pointer = steps
    .map((step) => step.replaceAll("~", "~0").replaceAll("/", "~1"))
    .map(encodeURIComponent)
    .join("/");
  const $ref = `${route.document.name}#/${pointer}`;
  return [$ref, { $ref }];
}

function compiledOnce(name: string, schema: object): ValidateFunction {
  const validate = compiled.get(name) ?? ajv.compile(schema);
  compiled.set(name, validate);
  return validate;
}

function faultsOfJson(text: string, validate: ValidateFunction): string[] {
  try {
    if (validate(JSON.parse(text, plainDigits))) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  } catch (error) {
    return [String(error)];
  }
}

/** Documents describe integers only, and an exponent would mean that digits were lost. */
function plainDigits(key: string, value: unknown, context?: { source?: string }): unknown {
  if (typeof value === "number" && !/^-?[0-9]+$/.test(context?.source ?? "")) {
    throw new Error(`${key} is written as ${context?.source}`);
  }
  return value;
}
