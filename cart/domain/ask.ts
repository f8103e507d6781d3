import { AppError } from "../../shared/errors.ts";

/**
 * The answer of another service. One that says nothing until the deadline cannot answer, as one
 * that is not there: both are `unavailable`. Its refusals pass as they are.
 */
export async function ask<Answer>(who: string, question: Promise<Answer>): Promise<Answer> {
  try {
    return await question;
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== "deadline_exceeded") throw error;
    throw new AppError("unavailable", `${who} did not answer in time`, { cause: error });
  }
}
