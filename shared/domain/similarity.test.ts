import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import builtin from '../../models/calibration/builtin.json' with { type: 'json' };
import own from '../../models/calibration/retinaface-mobilefacenet.json' with { type: 'json' };
import { cosineOf, similarityOf, verificationThreshold } from './similarity.ts';

const cosines = fc.double({ min: -1, max: 1, noNaN: true });
const packs = { builtin, 'retinaface-mobilefacenet': own };

describe.each(Object.entries(packs))('similarity with the calibration of %s', (_, calibration) => {
  it('When a cosine rises, then the similarity rises and stays within 0 and 1', () => {
    fc.assert(
      fc.property(cosines, cosines, (a, b) => {
        const [low, high] = [similarityOf(Math.min(a, b), calibration), similarityOf(Math.max(a, b), calibration)];
        expect(low).toBeLessThanOrEqual(high);
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('When a similarity is converted to a cosine and back, then it is the same', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (similarity) => {
        expect(similarityOf(cosineOf(similarity, calibration), calibration)).toBeCloseTo(similarity, 9);
      }),
    );
  });

  it('When two embeddings are the same, then the similarity is 1; when they are opposite, 0', () => {
    expect([similarityOf(1, calibration), similarityOf(-1, calibration)]).toEqual([1, 0]);
  });

  it('When a cosine is above 1 because of rounding, then the similarity is still 1', () => {
    expect(similarityOf(1.0000001, calibration)).toBe(1);
  });
});

describe('verificationThreshold', () => {
  it('When the false-match rate is ten times lower, or ten times more templates are compared, then it is 0.1 higher', () => {
    expect(verificationThreshold(0.001, 1)).toBeCloseTo(0.5, 10);
    expect(verificationThreshold(0.0001, 1)).toBeCloseTo(0.6, 10);
    expect(verificationThreshold(0.001, 10)).toBeCloseTo(0.6, 10);
    expect(verificationThreshold(0.0001, 20)).toBeCloseTo(0.73, 3);
  });

  it('When there is no template, then it is that of one; it is never above 1', () => {
    expect(verificationThreshold(0.001, 0)).toBe(verificationThreshold(0.001, 1));
    expect(verificationThreshold(1e-12, 1)).toBe(1);
  });
});
