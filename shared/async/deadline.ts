/** How long somebody waits, and whether they still do; a RequestContext is one. */
export interface Deadline {
  /** On the scale of the clock's `now()`, in ms. */
  readonly deadlineAt: number;
  /** Aborts at the deadline, or earlier when whoever waits has left. */
  readonly signal: AbortSignal;
}
