import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import builtin from '../../models/calibration/builtin.json' with { type: 'json' };
import own from '../../models/calibration/retinaface-mobilefacenet.json' with { type: 'json' };
import { expectedMissRate, gallerySizeOf, templateLimit } from './gallery-size.ts';

/** With 100 templates, the threshold at an FPIR of 1 % is 0.6; each tenfold number of templates adds 0.1. */
const calibration = {
  identification: [
    { fpir: 0.01, intercept: 0.4, slope: 0.1 / Math.LN10, ceiling: 0.95 },
    { fpir: 0.001, intercept: 0.5, slope: 0.1 / Math.LN10, ceiling: 0.97 },
  ],
  mates: {
    source: 'made up',
    missed: [
      { cosine: -1, share: 0.01 },
      { cosine: 0.5, share: 0.05 },
      { cosine: 0.7, share: 0.25 },
      { cosine: 1, share: 1 },
    ],
  },
};
const unmeasured = { identification: calibration.identification };

describe('expectedMissRate', () => {
  it('When the size is between two measured sizes, then the rate is interpolated over the logarithm of the size', () => {
    expect(expectedMissRate(calibration, 0.01, 10)).toBeCloseTo(0.05, 10);
    expect(expectedMissRate(calibration, 0.01, 100)).toBeCloseTo(0.15, 10);
    expect(expectedMissRate(calibration, 0.01, 1000)).toBeCloseTo(0.25, 10);
    expect(expectedMissRate(calibration, 0.001, 10)).toBeCloseTo(0.15, 10);
  });

  it('When the gallery is empty, then the rate is that of one template; when it is huge, that of the highest threshold', () => {
    expect(expectedMissRate(calibration, 0.01, 0)).toBe(expectedMissRate(calibration, 0.01, 1));
    expect(expectedMissRate(calibration, 0.01, 1e30)).toBeCloseTo(0.875, 10);
  });

  it('When the miss rate was not measured with the pack, then rate and limit are null', () => {
    expect([expectedMissRate(unmeasured, 0.01, 10), templateLimit(unmeasured)]).toEqual([null, null]);
    expect(gallerySizeOf(unmeasured, 10)).toEqual({
      templates: 10,
      limit: null,
      expectedMissRate: null,
      state: 'unknown',
    });
  });

  it.each(Object.entries({ builtin, own }))(
    'When the gallery grows, then the rate with the calibration of %s never falls, and a lower FPIR has a higher rate',
    (_, shipped) => {
      const sizes = fc.integer({ min: 0, max: 10_000_000 });
      fc.assert(
        fc.property(sizes, sizes, (a, b) => {
          const [small, large] = [Math.min(a, b), Math.max(a, b)];
          expect(expectedMissRate(shipped, 0.01, small)).toBeLessThanOrEqual(expectedMissRate(shipped, 0.01, large)!);
          expect(expectedMissRate(shipped, 0.01, small)).toBeLessThanOrEqual(expectedMissRate(shipped, 0.001, small)!);
        }),
      );
    },
  );

  // The measured shares of `npm run accuracy` (missedBySize), as models/README.md and the README show them.
  it.each([
    ['builtin', builtin, [0.042, 0.198, 0.419]],
    ['retinaface-mobilefacenet', own, [0.013, 0.038, 0.067]],
  ] as const)(
    'When %s has 10, 156 or 1,000 templates, then the rate is the measured one within half a point',
    (...each) => {
      const [, shipped, measured] = each;
      for (const [i, templates] of [10, 156, 1000].entries()) {
        expect(Math.abs(expectedMissRate(shipped, 0.01, templates)! - measured[i]!)).toBeLessThan(0.005);
      }
    },
  );
});

describe('templateLimit', () => {
  it.each(Object.entries({ builtin, own, calibration }))(
    'When a gallery of %s is at the limit, then at most 20 % are missed; with one template more, more than 20 %',
    (_, shipped) => {
      const limit = templateLimit(shipped)!;

      expect(limit).toBeGreaterThan(10);
      expect(expectedMissRate(shipped, 0.01, limit)).toBeLessThanOrEqual(0.2);
      expect(expectedMissRate(shipped, 0.01, limit + 1)).toBeGreaterThan(0.2);
    },
  );

  it('When the rate stays below 20 % in every gallery, then there is no limit', () => {
    const strong = { ...calibration, identification: [{ ...calibration.identification[0]!, ceiling: 0.64 }] };

    expect(templateLimit(strong)).toBe(Number.POSITIVE_INFINITY);
    expect(gallerySizeOf(strong, 1e9)).toMatchObject({ limit: null, state: 'ok' });
  });

  it('When more than 20 % are missed in the smallest gallery, then the limit is 0, and an empty gallery is within it', () => {
    const weak = { ...calibration, identification: [{ ...calibration.identification[0]!, intercept: 0.9 }] };

    expect(templateLimit(weak)).toBe(0);
    expect([gallerySizeOf(weak, 0).state, gallerySizeOf(weak, 1).state]).toEqual(['ok', 'beyond_limit']);
  });
});

describe('gallerySizeOf', () => {
  it('When the gallery reaches 80 % of the limit, then it is near the limit; above the limit it is beyond it', () => {
    const limit = templateLimit(calibration)!;

    // 10^2.5: the threshold is then 0.65, and 20 % are missed.
    expect(limit).toBe(316);
    expect([0, 252, 253, 316, 317].map((templates) => gallerySizeOf(calibration, templates).state)).toEqual([
      'ok',
      'ok',
      'near_limit',
      'near_limit',
      'beyond_limit',
    ]);
    expect(gallerySizeOf(calibration, 100)).toMatchObject({ templates: 100, limit: 316 });
    expect(gallerySizeOf(calibration, 100).expectedMissRate).toBeCloseTo(0.15, 10);
  });
});
