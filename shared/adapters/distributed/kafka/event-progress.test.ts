import { describe, expect, it } from 'vitest';
import { decodeProgress, encodeProgress, type OffsetState } from './event-progress.ts';

const done = (offset: number): OffsetState => ({ offset, attempts: 0, dueAt: null });
const tried = (offset: number, attempts: number): OffsetState => ({
  offset,
  attempts,
  dueAt: 1_800_000_000_000 + offset,
});

describe('the progress of a group in a partition', () => {
  it('When it is encoded and decoded, then it stays the same, without the states before the position', () => {
    const states = [tried(1000, 2), done(1001), done(1002), done(1005), tried(1007, 1), done(1010)];

    const text = encodeProgress(1000, [done(999), ...states]);

    expect(decodeProgress(1000, text).toSorted((a, b) => a.offset - b.offset)).toEqual(states);
  });

  it('When there are no exceptions, then the text is empty', () => {
    expect(encodeProgress(5, [done(3)])).toBe('');
    expect(decodeProgress(5, '')).toEqual([]);
    expect(decodeProgress(5, null)).toEqual([]);
  });

  it('When there are too many states, then the oldest are kept and the text fits the limit of the broker', () => {
    const states = Array.from({ length: 5000 }, (_, i) => (i % 2 === 0 ? tried(i, 3) : done(i)));

    const text = encodeProgress(0, states);
    const kept = decodeProgress(0, text);

    expect(text.length).toBeLessThanOrEqual(4096);
    expect(kept.filter(({ dueAt }) => dueAt !== null).length).toBeGreaterThan(50);
    expect(kept.filter(({ dueAt }) => dueAt === null).length).toBeGreaterThan(50);
    expect(states).toEqual(expect.arrayContaining(kept));
  });

  it('When thousands of consecutive events are done after the position, then all of them fit', () => {
    const states = [tried(0, 1), ...Array.from({ length: 9999 }, (_, i) => done(i + 1))];

    expect(decodeProgress(0, encodeProgress(0, states))).toHaveLength(10_000);
  });

  it.each(['x', '{}', '{"v":2,"tried":[],"done":[]}', 'null'])(
    'When another consumer wrote %s, then it is ignored',
    (text) => {
      expect(decodeProgress(0, text)).toEqual([]);
    },
  );
});
