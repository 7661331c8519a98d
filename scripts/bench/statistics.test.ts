import { describe, expect, it } from 'vitest';
import { openSetTrials } from './open-set.ts';
import {
  falseNegativeRate,
  falsePositiveRate,
  randomFrom,
  type ScoredPair,
  shuffled,
  thresholdAt,
  verificationAccuracy,
} from './statistics.ts';

const pair = (fold: number, same: boolean, cosine: number): ScoredPair => ({ fold, same, cosine });

describe('verificationAccuracy', () => {
  it('When cosines separate all pairs, then the accuracy is 1', () => {
    const pairs = [1, 2].flatMap((fold) => [pair(fold, true, 0.8), pair(fold, true, 0.6), pair(fold, false, 0.2)]);

    expect(verificationAccuracy(pairs)).toBe(1);
  });

  it('When a threshold is best on one fold and worse on the other, then it is tested on the other fold', () => {
    const first = [pair(1, true, 0.9), pair(1, true, 0.8), pair(1, false, 0.1), pair(1, false, 0.2)];
    const second = [pair(2, true, 0.4), pair(2, true, 0.45), pair(2, false, 0.3), pair(2, false, 0.1)];

    // Threshold 0.5 from fold 1 rejects both mates of fold 2; threshold 0.35 from fold 2 is correct for all pairs of fold 1.
    expect(verificationAccuracy([...first, ...second])).toBeCloseTo((1 + 0.5) / 2, 10);
  });
});

describe('open-set rates', () => {
  const trial = {
    gallerySize: 3,
    mates: [
      { own: 0.9, other: 0.2 },
      { own: 0.5, other: 0.6 },
      { own: 0.3, other: 0.1 },
    ],
    strangers: [0.1, 0.2, 0.3, 0.55],
  };

  it('When a mate is below the threshold or behind another person, then it is missed', () => {
    expect(falseNegativeRate(trial, 0.4)).toBeCloseTo(2 / 3, 10);
    expect(falseNegativeRate(trial, -1)).toBeCloseTo(1 / 3, 10);
  });

  it('When a rate is allowed, then the threshold accepts exactly that share of strangers', () => {
    expect(falsePositiveRate(trial, thresholdAt(trial, 0.25))).toBe(0.25);
    expect(falsePositiveRate(trial, thresholdAt(trial, 0.01))).toBe(0);
    expect(thresholdAt(trial, 1)).toBe(-1);
  });
});

describe('openSetTrials', () => {
  const unit = (angle: number) => Float32Array.of(Math.cos(angle), Math.sin(angle));
  const photo = (person: string, index: number, embedding: Float32Array | null) => ({
    person,
    file: `${person}/${index}.jpg`,
    probe: embedding,
    template: embedding,
    faces: 1,
    quality: 1,
  });

  it('When each person looks only like themselves, then mates score high and strangers score low', () => {
    const photos = [0, 1, 2, 3].flatMap((i) => [photo(`p${i}`, 1, unit(i)), photo(`p${i}`, 2, unit(i + 0.01))]);

    const [trial] = openSetTrials([...photos, photo('alone', 1, unit(5))], { trials: 1, seed: 4 });

    expect(trial?.gallerySize).toBe(2);
    expect(trial?.strangers).toHaveLength(3);
    for (const { own, other } of trial!.mates) {
      expect(own).toBeGreaterThan(0.999);
      expect(other).toBeLessThan(0.6);
    }
  });

  it("When a probe's photo shows no face, then the mate is missed", () => {
    const photos = [photo('a', 1, unit(0)), photo('a', 2, unit(0)), photo('b', 1, unit(1)), photo('b', 2, unit(1))];
    const broken = photos.map((each) => ({ ...each }));
    broken.push(photo('c', 1, null), photo('d', 1, null));

    const [trial] = openSetTrials(broken, { trials: 1, seed: 1 });

    expect(trial?.strangers.filter((cosine) => cosine === -1)).toHaveLength(2);
  });
});

describe('randomFrom', () => {
  it('When the same seed is given, then the numbers are the same, and they are even in 0 to 1', () => {
    const numbers = Array.from({ length: 4000 }, randomFrom(9));

    expect(Array.from({ length: 3 }, randomFrom(9))).toEqual(numbers.slice(0, 3));
    expect(numbers.reduce((sum, value) => sum + value, 0) / 4000).toBeCloseTo(0.5, 1);
    expect(Math.max(...numbers)).toBeLessThan(1);
  });

  it('When values are shuffled, then no value is lost', () => {
    const values = Array.from({ length: 50 }, (_, i) => i);

    const mixed = shuffled(values, randomFrom(2));

    expect(mixed).not.toEqual(values);
    expect(mixed.toSorted((a, b) => a - b)).toEqual(values);
  });
});
