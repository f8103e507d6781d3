/** The deadline and cancellation of a caller. A RequestContext is one. */
export interface Deadline {
  /** On the scale of the clock's `now()`, in ms. */
  readonly deadlineAt: number;
  /** Aborts at the deadline, or earlier when the caller has left. */
  readonly signal: AbortSignal;
}
