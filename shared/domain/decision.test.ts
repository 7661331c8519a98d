import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import builtin from '../../models/calibration/builtin.json' with { type: 'json' };
import own from '../../models/calibration/retinaface-mobilefacenet.json' with { type: 'json' };
import { decide, thresholdOf } from './decision.ts';

const sizes = fc.integer({ min: 0, max: 10_000_000 });
const calibration = {
  identification: [
    { fpir: 0.1, intercept: 0.3, slope: 0.02, ceiling: 0.6 },
    { fpir: 0.01, intercept: 0.4, slope: 0.02, ceiling: 0.7 },
    { fpir: 0.001, intercept: 0.5, slope: 0.02, ceiling: 0.8 },
  ],
};

describe.each(Object.entries({ builtin, own }))('the threshold with the calibration of %s', (_, shipped) => {
  it('When the gallery grows, then the threshold never falls, and it stays below 1', () => {
    fc.assert(
      fc.property(sizes, sizes, fc.constantFrom(0.01, 0.001), (a, b, fpir) => {
        expect(thresholdOf(shipped, fpir, Math.min(a, b))).toBeLessThanOrEqual(
          thresholdOf(shipped, fpir, Math.max(a, b)),
        );
        expect(thresholdOf(shipped, fpir, Math.max(a, b))).toBeLessThan(1);
      }),
    );
  });

  it('When the FPIR is lower, then the threshold is higher', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 100_000 }), (size) => {
        expect(thresholdOf(shipped, 0.1, size)).toBeLessThan(thresholdOf(shipped, 0.01, size));
        expect(thresholdOf(shipped, 0.01, size)).toBeLessThan(thresholdOf(shipped, 0.001, size));
      }),
    );
  });
});

describe('the decision', () => {
  it('When the cosine reaches the threshold, then the decision is match; a little below review; far below unknown', () => {
    expect([0.4, 0.399, 0.3, 0.299].map((cosine) => decide(calibration, cosine, 0.01, 1))).toEqual([
      'match',
      'review',
      'review',
      'unknown',
    ]);
  });

  it('When the gallery grows, then a match becomes a review', () => {
    expect([decide(calibration, 0.45, 0.01, 2), decide(calibration, 0.45, 0.01, 1000)]).toEqual(['match', 'review']);
  });

  it('When the FPIR is lower, then a match becomes a review', () => {
    expect([decide(calibration, 0.45, 0.01, 1), decide(calibration, 0.45, 0.001, 1)]).toEqual(['match', 'review']);
  });

  it('When the gallery is extremely large, then the threshold is the ceiling', () => {
    expect(thresholdOf(calibration, 0.01, 1e12)).toBe(0.7);
  });

  it('When the FPIR is between two measured rates, then the stricter rate applies', () => {
    expect(thresholdOf(calibration, 0.05, 1)).toBe(0.4);
  });
});
