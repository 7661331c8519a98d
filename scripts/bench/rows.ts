/** One measured value. */
export interface Row {
  readonly section: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** The value to compare with, measured in the same run, in the same unit. */
  readonly baseline?: number | undefined;
  /** `value / baseline`. */
  readonly ratio?: number | undefined;
  /** Limit of the ratio; when there is no ratio, limit of the value. */
  readonly goal?: Goal | undefined;
  readonly note?: string | undefined;
}

export type Goal = { readonly atMost: number } | { readonly atLeast: number };

/** The median; NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Whether the goal is reached; undefined when the row has no goal. */
export function isReached({ goal, ratio, value }: Row): boolean | undefined {
  if (goal === undefined) return undefined;
  const figure = ratio ?? value;
  return 'atMost' in goal ? figure <= goal.atMost : figure >= goal.atLeast;
}

/** The rows as a text table, for people. */
export function table(rows: readonly Row[]): string {
  const cells = rows.map((row) => [
    row.section,
    row.name,
    `${short(row.value)} ${row.unit}`,
    row.baseline === undefined ? '' : `${short(row.baseline)} ${row.unit}`,
    row.ratio === undefined ? '' : row.ratio.toFixed(2),
    row.goal === undefined ? '' : `${goalText(row.goal)} ${isReached(row) ? 'ok' : 'MISSED'}`,
    row.note ?? '',
  ]);
  const all = [['section', 'figure', 'value', 'baseline', 'ratio', 'goal', ''], ...cells];
  const widths = all[0]!.map((_, column) => Math.max(...all.map((line) => line[column]!.length)));
  return all
    .map((line) =>
      line
        .map((cell, column) => (isNumeric(column) ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

const isNumeric = (column: number): boolean => column >= 2 && column <= 4;
const goalText = (goal: Goal): string => ('atMost' in goal ? `≤ ${short(goal.atMost)}` : `≥ ${short(goal.atLeast)}`);

function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const digits = Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 2 : 4;
  return value
    .toFixed(digits)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '');
}
