import type { RequestContext } from "../async/request-context.ts";
import { isSampled } from "./traceparent.ts";

/** Where work that serves several requests belongs. */
export interface SharedPlace {
  readonly traceparent: string;
  readonly alsoServes: readonly string[];
}

/**
 * Work that serves several requests is part of the first that is sampled and links to the others: a
 * lone request has all of it in its trace. Undefined when it serves none.
 */
export function sharedPlace(traceparents: readonly string[]): SharedPlace | undefined {
  const traceparent = traceparents.find(isSampled) ?? traceparents[0];
  if (traceparent === undefined) return undefined;
  const alsoServes = traceparents.filter((each) => each !== traceparent && isSampled(each));
  return { traceparent, alsoServes };
}

/** The context of such work; its deadline is that of the first, which has waited longest. */
export function serveTogether(contexts: readonly RequestContext[]): RequestContext {
  const first = contexts[0] as RequestContext;
  if (contexts.length === 1) return first;
  const place = sharedPlace(contexts.map(({ traceparent }) => traceparent)) as SharedPlace;
  return first.withTraceparent(place.traceparent, place.alsoServes);
}
