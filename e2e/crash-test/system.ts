import type { Subject } from "../invariants/check.ts";
import type { TransportAddresses } from "./transports.ts";

/** A whole shop whose parts are killed and restarted. It keeps its addresses. */
export interface CrashTestSystem {
  /** Names of its parts; each is killed once before one is killed again. */
  readonly victims: readonly string[];
  readonly addresses: TransportAddresses & {
    /** The stock API, and the product stand-in; without a slash at the end. */
    readonly lomsAdmin: string;
    readonly products: string;
  };
  /** Resolves once every part is ready. */
  start(): Promise<void>;
  /** kill -9. */
  kill(victim: string): Promise<void>;
  /** Starts it again; resolves once it is ready. */
  restart(victim: string): Promise<void>;
  /**
   * Whether its kill may lose changes of carts: those before its end, or also later ones until it
   * is whole again.
   */
  takesCarts(victim: string): "at its end" | "until whole" | undefined;
  /** Whether the limit of product calls restarts with it. */
  takesLimit(victim: string): boolean;
  /** The subject of the invariants. */
  subject(): Promise<Subject>;
  close(): Promise<void>;
}
