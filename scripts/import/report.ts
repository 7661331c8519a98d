import type { Outcome } from './outcome.ts';

export interface Tally {
  photos: number;
  people: number;
  /** Photos enrolled in this run, and their faces. */
  enrolled: number;
  faces: number;
  /** Photos enrolled or rejected in an earlier run. */
  earlier: number;
  /** Photos rejected in an earlier run, by code and reasons. */
  readonly rejectedEarlier: Map<string, number>;
  /** Photos rejected in this run, by code and reasons. */
  readonly rejected: Map<string, number>;
  /** Enrolled photos with faces that were not enrolled, by reasons. */
  readonly leftOut: Map<string, number>;
  /** Photos that failed in this run, by code. */
  readonly failed: Map<string, number>;
  /** The first 20 photos that were rejected or failed, as `path  reason`. */
  readonly examples: string[];
}

const examplesKept = 20;

export const newTally = (photos: number, people: number): Tally => ({
  photos,
  people,
  enrolled: 0,
  faces: 0,
  earlier: 0,
  rejectedEarlier: new Map(),
  rejected: new Map(),
  leftOut: new Map(),
  failed: new Map(),
  examples: [],
});

export function count(tally: Tally, path: string, outcome: Outcome): void {
  switch (outcome.outcome) {
    case 'enrolled':
      tally.enrolled++;
      tally.faces += outcome.faces;
      if (outcome.rejectedFaces.length > 0) increase(tally.leftOut, outcome.rejectedFaces.join(', '));
      return;
    case 'rejected':
      increase(tally.rejected, whyRejected(outcome));
      remember(tally, exampleOf(path, outcome));
      return;
    case 'failed':
      increase(tally.failed, outcome.code);
      remember(tally, `${path}  ${outcome.code}: ${outcome.message}`);
  }
}

/** Counts a photo that is not sent again. A rejected photo is reported again, because it is still not in the gallery. */
export function countEarlier(tally: Tally, path: string, outcome: Outcome): void {
  tally.earlier++;
  if (outcome.outcome !== 'rejected') return;
  increase(tally.rejectedEarlier, whyRejected(outcome));
  remember(tally, exampleOf(path, outcome));
}

type Rejected = Extract<Outcome, { outcome: 'rejected' }>;

const whyRejected = ({ code, reasons }: Rejected): string => [code, reasons.join(', ')].filter(Boolean).join(': ');

const exampleOf = (path: string, outcome: Rejected): string =>
  `${path}  ${outcome.message === '' ? whyRejected(outcome) : `${outcome.code}: ${outcome.message}`}`;

export const sum = (counts: ReadonlyMap<string, number>): number => [...counts.values()].reduce((a, b) => a + b, 0);

/** The table at the end. */
export function table(tally: Tally): string {
  const rows: (readonly [label: string, number: number, note?: string])[] = [
    ['photos', tally.photos, `of ${tally.people} ${tally.people === 1 ? 'person' : 'people'} in folders`],
    ['enrolled', tally.enrolled, `${tally.faces} ${tally.faces === 1 ? 'face' : 'faces'}`],
    ...byNumber(tally.leftOut).map(([why, number]) => [`  with rejected faces: ${why}`, number] as const),
    ...(tally.earlier > 0 ? [['done in an earlier run', tally.earlier] as const] : []),
    ...byNumber(tally.rejectedEarlier).map(([why, number]) => [`  of these, rejected: ${why}`, number] as const),
    ['rejected', sum(tally.rejected)],
    ...byNumber(tally.rejected).map(([why, number]) => [`  ${why}`, number] as const),
    ['failed', sum(tally.failed)],
    ...byNumber(tally.failed).map(([why, number]) => [`  ${why}`, number] as const),
  ];
  const wide = Math.max(...rows.map(([label]) => label.length));
  const lines = rows.map(
    ([label, number, note]) => `${label.padEnd(wide)}  ${String(number).padStart(7)}${note ? `  ${note}` : ''}`,
  );
  const rest = sum(tally.rejectedEarlier) + sum(tally.rejected) + sum(tally.failed) - tally.examples.length;
  const examples =
    tally.examples.length === 0 ? [] : ['', ...tally.examples, ...(rest > 0 ? [`and ${rest} more`] : [])];
  return `${[...lines, ...examples].join('\n')}\n`;
}

function remember(tally: Tally, line: string): void {
  if (tally.examples.length < examplesKept) tally.examples.push(line);
}

const increase = (counts: Map<string, number>, key: string): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const byNumber = (counts: ReadonlyMap<string, number>) => [...counts].toSorted(([, a], [, b]) => b - a);
