import { once } from "node:events";
import { Client, credentials, Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { formatHostPort, type HostPort } from "../config.ts";

/** Field 1 of HealthCheckResponse. */
export const SERVING = 1;
export const NOT_SERVING = 2;
export const HEALTH_WATCH = "/grpc.health.v1.Health/Watch";

/** Fields of grpc.reflection.v1.ServerReflectionRequest. */
export const FILE_CONTAINING_SYMBOL = 4;
export const LIST_SERVICES = 7;

const asItIs = (bytes: Buffer) => bytes;

function connect(address: HostPort): Client {
  return new Client(formatHostPort(address), credentials.createInsecure());
}

/** The path of reflection's method, in this version. */
export function reflectionPath(version: string): string {
  return `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
}

/** A call with arbitrary bytes; resolves with its status. */
export function rawCall(
  address: HostPort,
  path: string,
  bytes: Uint8Array,
  metadata: Metadata = new Metadata(),
): Promise<{ code: number; details: string }> {
  const client = connect(address);
  return new Promise((resolve) => {
    const done = (error: ServiceError | null) => {
      client.close();
      resolve(error ?? { code: status.OK, details: "" });
    };
    client.makeUnaryRequest(path, asItIs, asItIs, Buffer.from(bytes), metadata, {}, done);
  });
}

/** A message with one string field. */
export function protoString(field: number, text: string): Buffer {
  return Buffer.concat([Buffer.from([field << 3 | 2, text.length]), Buffer.from(text)]);
}

/** The first message of a stream; undefined if the stream fails. */
export function firstOfStream(
  address: HostPort,
  path: string,
  request: Buffer,
): Promise<Buffer | undefined> {
  const client = connect(address);
  const call = client.makeBidiStreamRequest(path, asItIs, asItIs);
  return new Promise((resolve) => {
    call.on("error", () => resolve(undefined));
    call.on("data", (message: Buffer) => {
      resolve(message);
      call.cancel();
      client.close();
    });
    call.write(request);
    call.end();
  });
}

/** A stream that has its first message, and that the caller keeps open until the server ends it. */
export async function openStream(
  address: HostPort,
  path: string,
  request: Buffer,
): Promise<{ readonly ended: Promise<unknown> }> {
  const client = connect(address);
  const call = client.makeBidiStreamRequest(path, asItIs, asItIs);
  const ended = once(call, "end").finally(() => client.close());
  call.write(request);
  await once(call, "data");
  return { ended };
}

/** What a health watcher receives, in order. */
export function watchHealth(address: HostPort): (number | undefined | "end")[] {
  const received: (number | undefined | "end")[] = [];
  const client = connect(address);
  const call = client.makeServerStreamRequest(HEALTH_WATCH, asItIs, asItIs, protoString(1, ""));
  call.on("data", (message: Buffer) => received.push(message[1]));
  call.on("end", () => {
    received.push("end");
    client.close();
  });
  return received;
}
