/** Above the ids of all buyers of the benches; see growing-cart.ts. */
export const FILL = 10n ** 15n;
