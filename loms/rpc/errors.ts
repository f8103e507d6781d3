import { toAppError } from "../../shared/errors.ts";
import type { Interceptor } from "./method.ts";

/** Gives every failure a code of the one vocabulary; each door has a table from there to a status. */
export const errors: Interceptor = async (call, next) => {
  try {
    return await next(call);
  } catch (error) {
    throw toAppError(error);
  }
};
