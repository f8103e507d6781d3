/** The one answer to a list of one; anything else is a defect of who answered. */
export function only<Outcome>(outcomes: readonly Outcome[]): Outcome {
  const [outcome] = outcomes;
  if (outcome === undefined || outcomes.length > 1) {
    throw new Error(`expected one outcome, got ${outcomes.length}`);
  }
  return outcome;
}
