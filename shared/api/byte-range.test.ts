import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { byteRange } from './byte-range.ts';

describe('byteRange', () => {
  it.each([
    [undefined, undefined],
    ['bytes=0-0', { start: 0, end: 0 }],
    ['bytes=2-', { start: 2, end: 9 }],
    ['bytes=-3', { start: 7, end: 9 }],
    ['bytes=-30', { start: 0, end: 9 }],
    ['bytes=5-99', { start: 5, end: 9 }],
    ['bytes=5-2', undefined],
    ['bytes=-', undefined],
    ['bytes=0-1,3-4', undefined],
    ['items=0-1', undefined],
  ])('When the header is %s and the length is ten bytes, then the range is %j', (header, range) => {
    expect(byteRange(header, 10)).toEqual(range);
  });

  it.each(['bytes=10-', 'bytes=10-12', 'bytes=-0'])(
    'When %s is outside of ten bytes, then an error is thrown',
    (header) => {
      expect(() => byteRange(header, 10)).toThrow('The range is outside the image.');
    },
  );

  it('When the header is arbitrary, then a range is within the bytes', () => {
    const header = fc.oneof(
      fc.string(),
      fc.tuple(fc.nat(), fc.nat()).map(([a, b]) => `bytes=${a}-${b}`),
    );
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 1e6 }), (text, length) => {
        const range = resultOf(() => byteRange(text, length));
        if (range === undefined) return;
        expect(0 <= range.start && range.start <= range.end && range.end < length).toBe(true);
      }),
    );
  });
});

function resultOf<Value>(attempt: () => Value): Value | undefined {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}
