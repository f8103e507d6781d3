import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Server } from "@grpc/grpc-js";
import { addDeferred } from "./deferred-service.ts";

/** Field 1, length-delimited: `repeated FileDescriptorProto file` of a FileDescriptorSet. */
const FILE_TAG = 10;

/**
 * grpc/health/v1/health.proto as grpc-health-check has it, from
 * `buf build node_modules/grpc-health-check/proto --exclude-source-info`.
 */
const HEALTH_DESCRIPTOR_SET = new URL("health.binpb", import.meta.url);

const METHODS = ["v1", "v1alpha"].map((version) => ({
  path: `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
  requestStream: true,
  responseStream: true,
}));

/**
 * Server reflection, v1 and v1alpha, for health and for the files of a FileDescriptorSet. The sets
 * are returned unchanged: proto-loader would encode them without `json_name`, with relative types
 * and with map entries that other tools refuse. The package is loaded with the first call, which
 * saves each start 60 ms and 15 MB, with those of health.
 * @returns ends the open streams
 */
export async function addReflection(
  server: Server,
  descriptorSet: Uint8Array,
): Promise<() => void> {
  const healthSet = await readFile(HEALTH_DESCRIPTOR_SET);
  const require = createRequire(import.meta.url);
  // Shaped like a package that proto-loader has loaded; only its files are read.
  const files = {
    format: "Protocol Buffer 3 EnumDescriptorProto" as const,
    type: {},
    fileDescriptorProtos: [...filesOf(descriptorSet), ...filesOf(healthSet)],
  };
  return addDeferred(server, METHODS, (target) => {
    const { ReflectionService } = require("@grpc/reflection") as typeof import("@grpc/reflection");
    new ReflectionService({ files }).addToServer(target);
  });
}

function filesOf(descriptorSet: Uint8Array): Buffer[] {
  const reader = new BinaryReader(descriptorSet);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    if (tag === FILE_TAG) files.push(Buffer.from(reader.bytes()));
    else reader.skip(tag & 7);
  }
  return files;
}
