import { describe, expect, it } from 'vitest';
import { thresholdOf } from '../../shared/domain/decision.ts';
import { similarityOf } from '../../shared/domain/similarity.ts';
import { randomFrom } from '../bench/statistics.ts';
import { fitCalibration, fitMates, fitTail, tailCosine } from './fit.ts';
import { measureStrangers, strangerQuantile } from './strangers.ts';

/** Cosines of strangers, similar to those of a real network: normally distributed, standard deviation 0.1. Highest first. */
function normalCosines(count: number, seed: number): Float32Array {
  const random = randomFrom(seed);
  const values = Float32Array.from(
    { length: count },
    () => 0.1 * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
  );
  return values.sort().reverse();
}
const strangers = { people: 1000, cosines: normalCosines(500_000, 3), tailError: 0.004 };

describe('fitTail', () => {
  it('When the tail can be counted, then the line is on or above it, and close to it at 1 pair in 10,000', () => {
    const tail = fitTail(strangers, 0);

    for (const probability of [1e-1, 1e-2, 1e-3, 1e-4]) {
      expect(tailCosine(tail, probability)).toBeGreaterThanOrEqual(
        strangerQuantile(strangers.cosines, probability) - 1e-6,
      );
    }
    expect(tailCosine(tail, 1e-4) - strangerQuantile(strangers.cosines, 1e-4)).toBeLessThan(0.02);
  });

  it('When the line continues beyond the counted tail, then it is above the true quantile', () => {
    // The quantile of the normal distribution at 1e-8 is 5.612 standard deviations.
    expect(tailCosine(fitTail(strangers, 0), 1e-8)).toBeGreaterThan(0.5612);
  });

  it('When the error of the tail is larger, then the line is higher', () => {
    const raised = fitTail(strangers, 2).intercept - fitTail(strangers, 0).intercept;

    expect(raised).toBeCloseTo(0.008, 10);
  });
});

describe('fitCalibration', () => {
  const calibration = fitCalibration(strangers, 'made up');

  it('When strangers are drawn from the same distribution, then the measured FPIR is at most 1.25 %', () => {
    const others = normalCosines(400_000, 8);
    const random = randomFrom(5);

    for (const size of [10, 100]) {
      const threshold = thresholdOf(calibration, 0.01, size);
      const probes = 3000;
      let named = 0;
      for (let probe = 0; probe < probes; probe++) {
        const hit = Array.from({ length: size }, () => others[Math.floor(random() * others.length)]!).some(
          (c) => c >= threshold,
        );
        if (hit) named++;
      }
      expect(named / probes).toBeLessThan(0.0125);
    }
  });

  it('When 1 pair of strangers in 1,000 reaches a cosine, then its similarity is 0.5; for 1 in 10,000 it is 0.6', () => {
    expect(similarityOf(strangerQuantile(strangers.cosines, 1e-3), calibration)).toBeCloseTo(0.5, 2);
    expect(similarityOf(strangerQuantile(strangers.cosines, 1e-4), calibration)).toBeCloseTo(0.6, 1.9);
    expect(similarityOf(1, calibration)).toBe(1);
  });

  it('When knots are read in order, then cosines and similarities rise', () => {
    const knots = calibration.similarityKnots;

    for (const [i, knot] of knots.slice(1).entries()) {
      expect(knot.cosine).toBeGreaterThan(knots[i]!.cosine);
      expect(knot.similarity).toBeGreaterThan(knots[i]!.similarity);
    }
  });

  it('When the gallery grows, then the threshold rises up to its ceiling', () => {
    const at = (size: number) => thresholdOf(calibration, 0.01, size);

    expect(at(1)).toBeLessThan(at(100));
    expect(at(1e6)).toBeLessThan(at(1e8));
    expect(at(1e12)).toBeCloseTo(at(1e8), 3);
  });
});

describe('fitMates', () => {
  it('When a share of the mates is below a cosine, then the stored shares say so, and both numbers rise', () => {
    const random = randomFrom(4);
    const cosines = [
      ...Array.from({ length: 990 }, () => 0.4 + 0.5 * random()),
      ...Array.from({ length: 10 }, () => -1),
    ];

    const { missed } = fitMates(cosines, 'made up');

    expect([missed[0], missed.at(-1)]).toEqual([
      { cosine: -1, share: 0.01 },
      { cosine: 1, share: 1 },
    ]);
    for (const [i, { cosine, share }] of missed.slice(1, -1).entries()) {
      expect(share).toBeCloseTo(cosines.filter((value) => value < cosine - 1e-5).length / cosines.length, 2);
      expect(cosine).toBeGreaterThan(missed[i]!.cosine);
      expect(share).toBeGreaterThanOrEqual(missed[i]!.share);
    }
  });
});

describe('measureStrangers', () => {
  it('When people have several photos, then only pairs of different people are counted', () => {
    const random = randomFrom(1);
    const face = (person: number, index: number) => ({
      person: `p${person}`,
      file: `p${person}/${index}.jpg`,
      probe: Float32Array.from([person % 2, 1 - (person % 2)]),
      template: Float32Array.from([person % 2, 1 - (person % 2)]),
      faces: 1,
      quality: random(),
    });
    const photos = Array.from({ length: 40 }, (_, i) => face(Math.floor(i / 2), i));

    const { people, cosines } = measureStrangers(photos, 1);

    // 20 people form 190 pairs. 100 pairs have one odd and one even person; in 90 pairs both embeddings are the same.
    expect(people).toBe(20);
    expect(cosines).toHaveLength(190 * 5);
    expect(cosines.filter((value) => value > 0.5)).toHaveLength(90 * 5);
    expect(cosines[0]).toBe(1);
  });
});
