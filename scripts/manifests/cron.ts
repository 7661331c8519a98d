const months = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const days = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

const fields: readonly {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly words?: readonly string[];
}[] = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day of the month', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12, words: months },
  { name: 'day of the week', from: 0, to: 6, words: days },
];

/** Returns what is wrong with a schedule of five fields, or of one word such as `@hourly`; undefined if it is right. */
export function cronProblem(schedule: string): string | undefined {
  if (/^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$/.test(schedule)) return undefined;
  if (/^@every (\d+(\.\d+)?(ms|s|m|h))+$/.test(schedule)) return undefined;
  const parts = schedule.trim().split(/\s+/);
  if (parts.length !== 5) return `must have the five fields of cron, not ${parts.length}`;
  for (const [i, field] of fields.entries()) {
    for (const item of parts[i]!.split(',')) {
      if (!isItem(item, field)) return `${item} is not a ${field.name} between ${field.from} and ${field.to}`;
    }
  }
  return undefined;
}

function isItem(item: string, { from, to, words = [] }: (typeof fields)[number]): boolean {
  const [, first, last, step] = /^(\*|\?|\w+)(?:-(\w+))?(?:\/(\d+))?$/.exec(item) ?? [];
  if (first === undefined || step === '0' || Number(step ?? 1) > to) return false;
  if (first === '*' || first === '?') return last === undefined;
  const value = (text: string): number => {
    const word = words.indexOf(text.toUpperCase());
    return word >= 0 ? word + from : /^\d+$/.test(text) ? Number(text) : Number.NaN;
  };
  const low = value(first);
  const high = last === undefined ? low : value(last);
  return low >= from && high <= to && low <= high;
}
