import { logVerbosity, setLogVerbosity } from "@grpc/grpc-js";

/**
 * Keeps grpc-js from writing lines of its own to stderr, some of them with what a client sent.
 * Whatever fails is told to whoever called.
 */
export function quietGrpc(): void {
  setLogVerbosity(logVerbosity.NONE);
}
