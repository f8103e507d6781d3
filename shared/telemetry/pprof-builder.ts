import type { Runtime } from "node:inspector";
import {
  Function as PprofFunction,
  Line,
  Location,
  Mapping,
  Profile,
  Sample,
  StringTable,
  ValueType,
} from "pprof-format";

/** A frame as V8's profilers name it; its line counts from 0. */
export type CallFrame = Pick<
  Runtime.CallFrame,
  "functionName" | "url" | "lineNumber" | "columnNumber"
>;

/** What a profile counts, as `["cpu", "nanoseconds"]`. */
export type ValueName = readonly [type: string, unit: string];

export interface PprofOptions {
  readonly values: readonly ValueName[];
  readonly periodType: ValueName;
  readonly period: number;
  /** Nanoseconds; 0 for a moment. */
  readonly durationNanos: number;
  /** Shown as the folder of the sources; it is taken off their names. */
  readonly sourceRoot: string;
}

const ANONYMOUS = "(anonymous)";

/** Puts together a profile in the format of pprof (profile.proto). */
export class PprofBuilder {
  readonly #options: PprofOptions;
  readonly #strings = new StringTable();
  readonly #functions = new Map<string, PprofFunction>();
  readonly #locations = new Map<string, Location>();
  readonly #samples: Sample[] = [];

  constructor(options: PprofOptions) {
    this.#options = options;
  }

  /** The place of a frame, for {@link addSample}. */
  location(frame: CallFrame): Location {
    const file = frame.url.replace(this.#options.sourceRoot, "");
    const functionKey = `${frame.functionName}\n${file}\n${frame.lineNumber}`;
    const found = this.#locations.get(functionKey);
    if (found) return found;
    const line = Math.max(0, frame.lineNumber + 1);
    const name = this.#strings.dedup(frame.functionName || ANONYMOUS);
    const fun = new PprofFunction({
      id: this.#functions.size + 1,
      name,
      systemName: name,
      filename: this.#strings.dedup(file),
      startLine: line,
    });
    this.#functions.set(functionKey, fun);
    const location = new Location({
      id: this.#locations.size + 1,
      mappingId: 1,
      line: [new Line({ functionId: fun.id, line })],
    });
    this.#locations.set(functionKey, location);
    return location;
  }

  /** `stack` begins at the leaf. */
  addSample(stack: readonly Location[], values: readonly number[]): void {
    const locationId = stack.map(({ id }) => id);
    this.#samples.push(new Sample({ locationId, value: [...values] }));
  }

  encode(): Uint8Array {
    const { values, periodType, period, durationNanos } = this.#options;
    // pprof looks up the symbols of a mapping that has none.
    const mapping = new Mapping({
      id: 1,
      filename: this.#strings.dedup("marketplace"),
      hasFunctions: true,
      hasFilenames: true,
      hasLineNumbers: true,
    });
    return new Profile({
      sampleType: values.map((value) => this.#valueType(value)),
      sample: this.#samples,
      mapping: [mapping],
      location: [...this.#locations.values()],
      function: [...this.#functions.values()],
      stringTable: this.#strings,
      timeNanos: BigInt(Date.now()) * 1_000_000n,
      durationNanos: BigInt(durationNanos),
      periodType: this.#valueType(periodType),
      period,
    }).encode();
  }

  #valueType([type, unit]: ValueName): ValueType {
    return new ValueType({ type: this.#strings.dedup(type), unit: this.#strings.dedup(unit) });
  }
}
