/** What a statement is for, whatever verb its text begins with: "what happened" in the metrics. */
export type StatementKind = "select" | "insert" | "update" | "delete";

interface ScalarValues {
  int8: bigint;
  int4: number;
  float8: number;
  text: string;
  bool: boolean;
  jsonb: unknown;
  void: string;
}

/** A column's type; "?" after it says that the value may be null. */
export type ColumnType = keyof ScalarValues | `${keyof ScalarValues}?`;

type ColumnValue<Type extends ColumnType> = Type extends
  `${infer Scalar extends keyof ScalarValues}?` ? ScalarValues[Scalar] | null
  : Type extends keyof ScalarValues ? ScalarValues[Type]
  : never;

interface ParameterValues {
  int8: bigint | number;
  int4: number;
  text: string;
  uuid: string;
  bool: boolean;
  "int8[]": readonly (bigint | number)[];
  "int4[]": readonly number[];
  "text[]": readonly (string | null)[];
}
export type ParameterType = keyof ParameterValues;

/** One SQL statement with what goes in and comes out; a test holds both against the database. */
export interface Statement<
  Parameters extends readonly ParameterType[] = readonly ParameterType[],
  Columns extends Readonly<Record<string, ColumnType>> = Readonly<Record<string, ColumnType>>,
> {
  readonly name: string;
  readonly kind: StatementKind;
  readonly text: string;
  readonly parameters: Parameters;
  readonly columns: Columns;
}

export type ParametersOf<Parameters extends readonly ParameterType[]> = {
  readonly [Index in keyof Parameters]: ParameterValues[Parameters[Index]];
};

export type RowOf<Columns extends Readonly<Record<string, ColumnType>>> = {
  readonly [Name in keyof Columns]: ColumnValue<Columns[Name]>;
};

export function defineStatement<
  const Parameters extends readonly ParameterType[],
  const Columns extends Readonly<Record<string, ColumnType>>,
>(statement: Statement<Parameters, Columns>): Statement<Parameters, Columns> {
  return statement;
}

/**
 * A parameter in PostgreSQL's text form. The driver's own way takes the type of an array from its
 * first element, and fails where that is null or the array is empty.
 */
export function encodeParameter(value: ParameterValues[ParameterType]): string | boolean {
  // The driver writes booleans itself, and would take the text "true" for false.
  if (typeof value === "boolean") return value;
  if (!Array.isArray(value)) return String(value);
  return `{${value.map(encodeElement).join(",")}}`;
}

function encodeElement(element: unknown): string {
  if (element === null) return "null";
  if (typeof element !== "string") return String(element);
  return `"${element.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** The elements of an int8[] in PostgreSQL's text form. */
export function decodeInt8Array(text: string): bigint[] {
  return text === "{}" ? [] : text.slice(1, -1).split(",").map(BigInt);
}
