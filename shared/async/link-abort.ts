/**
 * Aborts `controller` with the parent's reason once the parent aborts. The returned function
 * removes the link: a long-lived parent would keep all its children in memory.
 */
export function linkAbort(parent: AbortSignal, controller: AbortController): () => void {
  const onAbort = () => controller.abort(parent.reason);
  if (parent.aborted) onAbort();
  else parent.addEventListener("abort", onAbort, { once: true });
  return () => parent.removeEventListener("abort", onAbort);
}
