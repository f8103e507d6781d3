/**
 * Runs `load` while `work` runs, and resolves with what the load returns. `isOpen` is false once
 * `work` has ended, also when it fails.
 */
export async function underLoad<Loaded>(
  load: (isOpen: () => boolean) => Promise<Loaded>,
  work: () => Promise<unknown>,
): Promise<Loaded> {
  let isOpen = true;
  const loading = load(() => isOpen);
  const [loaded] = await Promise.all([loading, work().finally(() => isOpen = false)]);
  return loaded;
}
