import { expect, it } from 'vitest';
import { quantile } from './metrics-report.ts';

const buckets = [
  { upTo: 0.01, count: 50 },
  { upTo: 0.1, count: 90 },
  { upTo: Number.POSITIVE_INFINITY, count: 100 },
];

it.each([
  [0.25, 5],
  [0.5, 10],
  [0.7, 55],
  [0.9, 100],
  [0.99, 100],
])(
  'When the share of requests is %d, then the time is interpolated linearly within its bucket',
  (share, milliseconds) => {
    expect(quantile(buckets, share)).toBe(milliseconds);
  },
);

it('When there was no request, then the result is null', () => {
  expect(quantile([], 0.5)).toBeNull();
});
