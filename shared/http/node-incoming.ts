/** A request as Node's server got it, of which we look at the target. */
export interface NodeIncoming {
  /** As it was sent: a path with its query, or a whole URL. */
  readonly url?: string;
}

/** What Node's server passes along as the environment; undefined on Deno. */
export function nodeIncoming(env: unknown): NodeIncoming | undefined {
  return (env as { readonly incoming?: NodeIncoming } | undefined)?.incoming;
}
