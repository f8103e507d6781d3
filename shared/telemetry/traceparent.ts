export { childTraceparent, isSampled, parseTraceparent } from "./tracing.ts";
export type { StartTraceparent } from "./tracing.ts";
