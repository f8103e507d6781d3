import { BinaryReader } from "@bufbuild/protobuf/wire";
import type { Server } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import { service as health } from "grpc-health-check";

/** Field 1, length-delimited: `repeated FileDescriptorProto file` of a FileDescriptorSet. */
const FILE_TAG = 10;

/** Server reflection, v1 and v1alpha, for the files of a FileDescriptorSet and for health. */
export function addReflection(server: Server, descriptorSet: Uint8Array): void {
  const healthFiles = Object.values(health)[0]?.requestType.fileDescriptorProtos ?? [];
  // The service wants a package as proto-loader loads it and reads nothing of it but the files.
  // Loading the set would write its files anew, without `json_name` and with relative types.
  const files = {
    format: "Protocol Buffer 3 EnumDescriptorProto" as const,
    type: {},
    fileDescriptorProtos: [...filesOf(descriptorSet), ...healthFiles],
  };
  new ReflectionService({ files }).addToServer(server);
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
