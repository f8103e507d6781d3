import { AppError } from "../shared/errors.ts";
import type { Problem } from "./clients/gen/loms/types.gen.ts";
import { itemLine } from "./list-lines.ts";

/** What is known about a failed command. */
export interface Refusal {
  /** For programs: the problem as answered, or the fields of it that are known. */
  readonly data: Partial<Problem>;
  /** For people. */
  readonly lines: readonly string[];
  /** The total of the cart, if that is the reason. */
  readonly total?: bigint | undefined;
}

/** A checkout that was refused because the cart's total has changed. */
class PriceChange extends Error {
  readonly problem: Problem;
  readonly agreed: bigint;

  constructor(problem: Problem, agreed: bigint) {
    super(problem.detail);
    this.problem = problem;
    this.agreed = agreed;
  }
}

/** The refusal of a checkout for a buyer who agreed to a total. */
export function priceChange(thrown: unknown, agreed: bigint): unknown {
  const isPriceChange = isProblem(thrown) && thrown.total_price !== undefined;
  return isPriceChange ? new PriceChange(thrown, agreed) : thrown;
}

/** Describes the failure of a command: a problem, an error with a code, or a failed connection. */
export function refusalOf(thrown: unknown): Refusal {
  if (thrown instanceof PriceChange) {
    const { problem } = thrown;
    return { data: problem, lines: priceChangeLines(thrown), total: problem.total_price };
  }
  if (isProblem(thrown)) return { data: thrown, lines: problemLines(thrown) };
  if (thrown instanceof AppError) {
    const { code, message } = thrown;
    return { data: { code, detail: message }, lines: [`${message} (${code})`] };
  }
  const detail = whyOf(thrown);
  return { data: { code: "unavailable", detail }, lines: [`no answer: ${detail}`] };
}

/** On Node, the error of fetch has no reason; its cause has it. */
function whyOf(thrown: unknown): string {
  if (!(thrown instanceof Error)) return String(thrown);
  return thrown.cause instanceof Error ? thrown.cause.message || thrown.message : thrown.message;
}

function isProblem(thrown: unknown): thrown is Problem {
  return typeof thrown === "object" && thrown !== null && "code" in thrown && "detail" in thrown;
}

function priceChangeLines({ problem, agreed }: PriceChange): string[] {
  const { total_price: total, items = [], trace_id } = problem;
  return [
    `changed since you looked: ${agreed} then, ${total} now (nothing is ordered)`,
    ...items.map(({ sku, price }) => itemLine(sku, `${price} each`, "")),
    `  trace ${trace_id}`,
  ];
}

function problemLines(problem: Problem): string[] {
  const { status, code, detail, errors = [], skus = [], skus_total = 0 } = problem;
  // With a single error, the detail is its message.
  const rules = errors.length < 2
    ? []
    : errors.map(({ path, message }) => `  ${path || "the body"} ${message}`);
  const short = skus.map(({ sku, requested, available }) =>
    `  ${sku}: ${requested} wanted, ${available} left`
  );
  const unnamed = skus_total - skus.length;
  return [
    `${detail} (${status} ${code})`,
    ...rules,
    ...short,
    ...(unnamed > 0 ? [`  and ${unnamed} more`] : []),
    `  trace ${problem.trace_id}`,
  ];
}
