/** Answers of a broker that will be the same whenever the same message comes again. */
const REFUSALS = ["MESSAGE_TOO_LARGE", "RECORD_LIST_TOO_LARGE", "INVALID_RECORD"];

/** Why a broker refuses a message for good; undefined when another try may help. */
export function kafkaRefusal(error: unknown): string | undefined {
  const { type, message } = (error ?? {}) as { type?: unknown; message?: unknown };
  return REFUSALS.includes(String(type)) ? `${String(type)}: ${String(message)}` : undefined;
}
