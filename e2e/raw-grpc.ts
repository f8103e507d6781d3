import { Client, credentials } from "@grpc/grpc-js";

const asItIs = (bytes: Buffer) => bytes;

/** Calls any path with any bytes over one connection; resolves whatever the answer is. */
export function grpcCaller(address: string) {
  const client = new Client(address, credentials.createInsecure());
  return {
    call: (path: string, bytes: Uint8Array): Promise<void> =>
      new Promise((resolve) => {
        client.makeUnaryRequest(path, asItIs, asItIs, Buffer.from(bytes), () => resolve());
      }),
    close: () => client.close(),
  };
}

export type GrpcCaller = ReturnType<typeof grpcCaller>;
