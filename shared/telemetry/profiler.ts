import { type HeapProfiler, type Profiler, Session } from "node:inspector";
import { AppError } from "../errors.ts";

/** About one sample per millisecond. */
const CPU_INTERVAL_MICROS = 1_000;
/**
 * On average one allocation per this many bytes is sampled, as in Go. A sample costs a stack trace:
 * at 128 KiB they took 9 % of a busy cart.
 */
export const HEAP_INTERVAL_BYTES = 512 * 1024;

/**
 * Profiles of this process by V8's own profilers, which Node and Deno both offer. Allocations are
 * sampled from the beginning, because earlier allocations cannot be attributed later.
 */
export class ProcessProfiler {
  readonly #session = new Session();
  #isProfiling = false;

  /** Starts sampling allocations. */
  async open(): Promise<void> {
    this.#session.connect();
    await this.#post("HeapProfiler.enable");
    await this.#post("HeapProfiler.startSampling", { samplingInterval: HEAP_INTERVAL_BYTES });
  }

  /**
   * The CPU profile of the process until `wait` settles.
   * @throws {AppError} `resource_exhausted` during another profile
   */
  async cpu(wait: () => unknown): Promise<Profiler.Profile> {
    if (this.#isProfiling) {
      throw new AppError(
        "resource_exhausted",
        "Another CPU profile is being taken; try again later",
      );
    }
    this.#isProfiling = true;
    try {
      await this.#post("Profiler.enable");
      await this.#post("Profiler.setSamplingInterval", { interval: CPU_INTERVAL_MICROS });
      await this.#post("Profiler.start");
      await wait();
      const { profile } = await this.#post<Profiler.StopReturnType>("Profiler.stop");
      return profile;
    } finally {
      await this.#post("Profiler.disable");
      this.#isProfiling = false;
    }
  }

  /** The live part of the sampled allocations. */
  async heap(): Promise<HeapProfiler.SamplingHeapProfile> {
    const answer = await this.#post<HeapProfiler.GetSamplingProfileReturnType>(
      "HeapProfiler.getSamplingProfile",
    );
    return answer.profile;
  }

  close(): void {
    this.#session.disconnect();
  }

  #post<Answer = void>(method: string, parameters: object = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#session.post(method, parameters, (error, answer) => {
        if (error) reject(new Error(`${method} failed: ${error.message}`, { cause: error }));
        else resolve(answer as Answer);
      });
    });
  }
}
