import { describe, expect, it } from 'vitest';
import { isReached, median, type Row, table } from './rows.ts';

const row = (more: Partial<Row>): Row => ({ section: 'latency', name: 'search', value: 23, unit: 'ms', ...more });

describe('median', () => {
  it.each([
    [[3, 1, 2], 2],
    [[4, 1, 3, 2], 2.5],
    [[7], 7],
    [[], Number.NaN],
  ])('When the values are %j, then the median is %d', (values, middle) => {
    expect(median(values)).toBe(middle);
  });
});

describe('isReached', () => {
  it.each([
    [{ goal: { atMost: 23 } }, true],
    [{ goal: { atMost: 22 } }, false],
    [{ goal: { atLeast: 24 } }, false],
    [{ goal: { atMost: 1.15 }, ratio: 1.1 }, true],
    [{ goal: { atMost: 100 }, ratio: 101 }, false],
    [{}, undefined],
  ])('When the row has %j, then the result is %s', (more, reached) => {
    expect(isReached(row(more))).toBe(reached);
  });
});

describe('table', () => {
  it('When rows are shown, then columns are aligned, goals are checked and numbers are rounded', () => {
    const rows = [
      row({ baseline: 20, ratio: 1.15, goal: { atMost: 1.15 } }),
      row({ section: 'memory', name: 'idle', value: 512.34, unit: 'MB', goal: { atMost: 400 }, note: 'after load' }),
      row({ section: 'vectors', name: 'exact', value: 0.01234 }),
    ];

    expect(table(rows)).toBe(
      [
        'section  figure      value  baseline  ratio  goal',
        'latency  search      23 ms     20 ms   1.15  ≤ 1.15 ok',
        'memory   idle       512 MB                   ≤ 400 MISSED  after load',
        'vectors  exact   0.0123 ms',
      ].join('\n'),
    );
  });
});
