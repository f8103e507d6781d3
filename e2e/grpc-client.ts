import { readFileSync } from "node:fs";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  Client,
  credentials,
  Metadata,
  type MethodDefinition,
  type ServiceDefinition,
  type ServiceError,
  status,
} from "@grpc/grpc-js";
import {
  loadFileDescriptorSetFromBuffer,
  type MessageTypeDefinition,
  type PackageDefinition,
} from "@grpc/proto-loader";
import { service as healthService } from "grpc-health-check";

/**
 * Calls a method as grpcurl does, and shares no generated code with the services:
 *
 *     node e2e/grpc-client.ts [-H 'key: value']… [--max-time seconds] host:port
 *     package.Service/Method '{"json": 1}'
 *
 * Prints the response, or the status with its details, as JSON; int64 as decimal strings. Exits
 * with 0, or with 1 when the call fails.
 */
const USAGE =
  "usage: grpc-client.ts [-H 'key: value'] [--max-time s] host:port Service/Method json";

const OPTIONS = {
  keepCase: true,
  longs: String,
  defaults: true,
  arrays: true,
} as const;
/** Names in JSON that are not the field's own; proto-loader ignores `json_name`. */
const FIELD_NAMES: Readonly<Record<string, string>> = {
  orderID: "order_id",
  skusTotal: "skus_total",
};
const JSON_NAMES = Object.fromEntries(
  Object.entries(FIELD_NAMES).map(([json, field]) => [field, json]),
);

type Message = MessageTypeDefinition<object, object>;

function loadTypes(): PackageDefinition {
  const set = readFileSync(new URL("../proto/gen/loms.binpb", import.meta.url));
  const loaded = loadFileDescriptorSetFromBuffer(set, OPTIONS);
  return Object.assign(loaded, { "grpc.health.v1.Health": healthService });
}

/** Numbers that JSON.parse would round become strings, which protobufjs reads exactly. */
function parseExactly(text: string): object {
  const revive = (_key: string, value: unknown, context?: { source?: string }) =>
    typeof value === "number" && !Number.isSafeInteger(value) ? context?.source : value;
  return rename(JSON.parse(text, revive) as object, FIELD_NAMES) as object;
}

function rename(value: unknown, names: Readonly<Record<string, string>>): unknown {
  if (Array.isArray(value)) return value.map((each) => rename(each, names));
  if (value === null || typeof value !== "object" || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [names[key] ?? key, rename(each, names)]),
  );
}

function methodNamed(types: PackageDefinition, name: string): MethodDefinition<object, object> {
  const [service = "", method = ""] = name.split("/");
  const definition = (types[service] as ServiceDefinition | undefined)?.[method];
  if (!definition) throw new Error(`There is no method ${name}`);
  return definition as MethodDefinition<object, object>;
}

function metadataOf(headers: readonly string[]): Metadata {
  const metadata = new Metadata();
  for (const header of headers) {
    const colon = header.indexOf(":");
    metadata.add(header.slice(0, colon), header.slice(colon + 1).trim());
  }
  return metadata;
}

function describe(error: ServiceError, types: PackageDefinition): object {
  const packed = error.metadata.get("grpc-status-details-bin")[0];
  const statusType = types["google.rpc.Status"] as Message;
  const { details = [] } = packed instanceof Uint8Array
    ? statusType.deserialize(packed as Buffer) as {
      details?: { type_url: string; value: Buffer }[];
    }
    : {};
  return {
    code: error.code,
    status: status[error.code],
    message: error.details,
    details: details.map(({ type_url, value }) => {
      const name = type_url.slice(type_url.lastIndexOf("/") + 1);
      const type = types[name] as Message | undefined;
      return { "@type": type_url, ...type?.deserialize(value) };
    }),
  };
}

function main(): void {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      header: { type: "string", short: "H", multiple: true, default: [] },
      "max-time": { type: "string" },
    },
  });
  const [address, name, json = "{}"] = positionals;
  if (address === undefined || name === undefined) throw new Error(USAGE);
  const types = loadTypes();
  const method = methodNamed(types, name);
  const maxTimeS = values["max-time"];
  const client = new Client(address, credentials.createInsecure());
  client.makeUnaryRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    parseExactly(json),
    metadataOf(values.header),
    maxTimeS === undefined ? {} : { deadline: Date.now() + Number(maxTimeS) * 1000 },
    (error: ServiceError | null, response?: object) => {
      const shown = error ? describe(error, types) : response;
      process.stdout.write(`${JSON.stringify(rename(shown, JSON_NAMES))}\n`);
      process.exitCode = error ? 1 : 0;
      client.close();
    },
  );
}

main();
