/** Counts the calls that are being answered, so that a stop can wait for them. */
export class CallsUnderWay {
  #count = 0;
  #onNone: (() => void) | undefined;

  started(): void {
    this.#count++;
  }

  ended(): void {
    this.#count--;
    if (this.#count === 0) this.#onNone?.();
  }

  /** Resolves when no call is under way, or after `timeoutMs`. */
  finished(timeoutMs: number): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#onNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
