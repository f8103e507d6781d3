import { BinaryReader, WireType } from "@bufbuild/protobuf/wire";

// opentelemetry-proto 1.x: the parts of ExportTraceServiceRequest that we use.

export type Attribute = string | number | boolean;
export type Attributes = Readonly<Record<string, Attribute>>;

export interface ReceivedEvent {
  readonly name: string;
  readonly attributes: Attributes;
}

export interface ReceivedSpan {
  readonly service: string;
  readonly runtime: string;
  /** Hexadecimal, as in a traceparent. */
  readonly traceId: string;
  readonly spanId: string;
  /** Empty at the root. */
  readonly parentId: string;
  readonly name: string;
  readonly kind: (typeof KINDS)[number];
  /** Nanoseconds since 1970. */
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Attributes;
  readonly events: readonly ReceivedEvent[];
  /** The ids of the spans that it links to. */
  readonly links: readonly string[];
  readonly failed: boolean;
}

const KINDS = ["unspecified", "internal", "server", "client", "producer", "consumer"] as const;
const STATUS_ERROR = 2;

/** The fields of one message by number, each with its repeated values. */
type Fields = ReadonlyMap<number, readonly (Uint8Array | bigint)[]>;

function readFields(bytes: Uint8Array): Fields {
  const fields = new Map<number, (Uint8Array | bigint)[]>();
  const reader = new BinaryReader(bytes);
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const values = fields.get(number) ?? [];
    fields.set(number, values);
    values.push(readValue(reader, type));
  }
  return fields;
}

function readValue(reader: BinaryReader, type: WireType): Uint8Array | bigint {
  switch (type) {
    case WireType.Varint:
      return BigInt(reader.int64());
    case WireType.Bit64:
      return BigInt(reader.fixed64());
    case WireType.Bit32:
      return BigInt(reader.fixed32());
    case WireType.LengthDelimited:
      return reader.bytes();
    default:
      throw new Error(`unknown wire type: ${type}`);
  }
}

const messages = (fields: Fields, number: number) =>
  (fields.get(number) ?? []).map((value) => value as Uint8Array);
const bytes = (fields: Fields, number: number) => messages(fields, number)[0] ?? new Uint8Array();
const text = (fields: Fields, number: number) => new TextDecoder().decode(bytes(fields, number));
const hex = (fields: Fields, number: number) => Buffer.from(bytes(fields, number)).toString("hex");
const integer = (fields: Fields, number: number) => (fields.get(number)?.[0] ?? 0n) as bigint;

/** Every span of an `ExportTraceServiceRequest`. */
export function readSpans(request: Uint8Array): ReceivedSpan[] {
  return messages(readFields(request), 1).flatMap((resourceSpans) => {
    const fields = readFields(resourceSpans);
    const resource = readAttributes(readFields(bytes(fields, 1)), 1);
    const service = String(resource["service.name"]);
    const runtime = String(resource["process.runtime.name"]);
    return messages(fields, 2)
      .flatMap((scopeSpans) => messages(readFields(scopeSpans), 2))
      .map((span) => ({ service, runtime, ...readSpan(readFields(span)) }));
  });
}

function readSpan(fields: Fields): Omit<ReceivedSpan, "service" | "runtime"> {
  return {
    traceId: hex(fields, 1),
    spanId: hex(fields, 2),
    parentId: hex(fields, 4),
    name: text(fields, 5),
    kind: KINDS[Number(integer(fields, 6))] ?? "unspecified",
    startNs: integer(fields, 7),
    endNs: integer(fields, 8),
    attributes: readAttributes(fields, 9),
    events: messages(fields, 11).map(readFields).map((event) => ({
      name: text(event, 2),
      attributes: readAttributes(event, 3),
    })),
    links: messages(fields, 13).map((link) => hex(readFields(link), 2)),
    failed: integer(readFields(bytes(fields, 15)), 3) === BigInt(STATUS_ERROR),
  };
}

function readAttributes(fields: Fields, number: number): Attributes {
  return Object.fromEntries(
    messages(fields, number).map((pair) => {
      const entry = readFields(pair);
      return [text(entry, 1), readAttribute(readFields(bytes(entry, 2)))];
    }),
  );
}

function readAttribute(value: Fields): Attribute {
  if (value.has(1)) return text(value, 1);
  if (value.has(2)) return integer(value, 2) !== 0n;
  if (value.has(3)) return Number(integer(value, 3));
  const double = new DataView(new ArrayBuffer(8));
  double.setBigUint64(0, integer(value, 4));
  return double.getFloat64(0);
}
