import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { ErrorCode } from "../errors.ts";

/** How generated code writes and reads one message. */
export interface MessageCodec<Message> {
  // Method syntax: a codec of any message fits where the message type is unknown.
  encode(message: Message): { finish(): Uint8Array };
  decode(input: BinaryReader | Uint8Array): Message;
}

export interface UnaryMethodDefinition {
  /** As in the .proto file: `OrderCreate`. */
  readonly name: string;
  readonly requestType: MessageCodec<unknown>;
  readonly responseType: MessageCodec<unknown>;
  readonly requestStream: false;
  readonly responseStream: false;
}

/** A service as ts-proto generates it with `outputServices=generic-definitions`. */
export interface ServiceDefinition {
  /** `loms.v1.Loms`. */
  readonly fullName: string;
  readonly methods: Readonly<Record<string, UnaryMethodDefinition>>;
}

export type MethodKey<Definition extends ServiceDefinition> = keyof Definition["methods"] & string;
export type RequestOf<
  Definition extends ServiceDefinition,
  Key extends MethodKey<Definition>,
> = ReturnType<Definition["methods"][Key]["requestType"]["decode"]>;
export type ResponseOf<
  Definition extends ServiceDefinition,
  Key extends MethodKey<Definition>,
> = ReturnType<Definition["methods"][Key]["responseType"]["decode"]>;

/** The path of a method on the wire. */
export function methodPath(definition: ServiceDefinition, method: UnaryMethodDefinition): string {
  return `/${definition.fullName}/${method.name}`;
}

/** A method by its key, as spans and dashboards name it: `loms.v1.Loms/OrderCreate`. */
export function methodName(definition: ServiceDefinition, key: string): string {
  return `${definition.fullName}/${definition.methods[key]?.name ?? key}`;
}

/** The encoded message, without a copy. */
export function encodeMessage(codec: MessageCodec<unknown>, message: unknown): Buffer {
  const bytes = codec.encode(message).finish();
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Throws if the bytes are not such a message. */
export function decodeMessage<Message>(codec: MessageCodec<Message>, bytes: Uint8Array): Message {
  const reader = new BinaryReader(bytes);
  const message = codec.decode(reader);
  // Generated code stops at an impossible tag without an error.
  if (reader.pos !== reader.len) throw new Error(`no field at byte ${reader.pos}`);
  return message;
}

/** Failures of the server; the other statuses are failures of the caller. */
const SERVER_ERRORS: ReadonlySet<string> = new Set<ErrorCode>([
  "unavailable",
  "deadline_exceeded",
  "internal",
]);

/** A span's attributes for a call of `package.Service/Method`. */
export function rpcAttributes(method: string, code: string | undefined) {
  return {
    "rpc.system.name": "grpc",
    "rpc.method": method,
    "rpc.status_code": rpcStatusCode(code),
  };
}

/** The gRPC name of a status, `NOT_FOUND`; our error codes have the same names. */
export function rpcStatusCode(code: string | undefined): string {
  return (code ?? "ok").toUpperCase();
}

/** A server counts only its own failures as errors; a client counts every status but OK. */
export function rpcErrorType(code: string | undefined): string | undefined {
  return code !== undefined && SERVER_ERRORS.has(code) ? rpcStatusCode(code) : undefined;
}
