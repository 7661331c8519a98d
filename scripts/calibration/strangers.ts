import { cosineOfPair } from '../../shared/domain/similarity.ts';
import { byPerson } from '../bench/open-set.ts';
import type { PersonPhoto } from '../bench/people.ts';
import { randomFrom } from '../bench/statistics.ts';

/** How similar different people (strangers) are to a network. */
export interface Strangers {
  readonly people: number;
  /** Cosines of one person's probe with another's template, highest first: `draws` values for each pair, with random photos. */
  readonly cosines: Float32Array;
  /**
   * Standard error, in cosine, of the quantile at `tailProbability`. It comes from resampling people, not pairs: pairs that share a person
   * are not independent, so resampling pairs would give a far too small error.
   */
  readonly tailError: number;
}

/** Probability at which the error is measured: small enough to matter for a gallery of hundreds, large enough to be counted in LFW. */
export const tailProbability = 1e-4;

const draws = 5;
const resamples = 40;

export function measureStrangers(photos: readonly PersonPhoto[], seed: number): Strangers {
  const random = randomFrom(seed);
  const people = byPerson(photos.filter(({ template }) => template));
  const pairs = (people.length * (people.length - 1)) / 2;
  const cosines = new Float32Array(pairs * draws);
  let next = 0;
  for (let draw = 0; draw < draws; draw++) {
    const drawn = people.map((own) => own[Math.floor(random() * own.length)]!);
    for (let i = 1; i < drawn.length; i++) {
      for (let j = 0; j < i; j++) cosines[next++] = cosineOfPair(drawn[i]!.probe!, drawn[j]!.template!);
    }
  }
  const tailError = resampledError(cosines.subarray(0, pairs), people.length, random);
  return { people: people.length, cosines: cosines.sort().reverse(), tailError };
}

/** The cosine that a share `probability` of the pairs reaches. `cosines`: highest first. */
export function strangerQuantile(cosines: Float32Array, probability: number): number {
  return cosines[Math.min(cosines.length - 1, Math.floor(probability * cosines.length))]!;
}

function resampledError(triangle: Float32Array, people: number, random: () => number): number {
  const quantiles = Array.from({ length: resamples }, () => {
    const sample = Array.from({ length: people }, () => Math.floor(random() * people));
    const drawn = new Float32Array(triangle.length);
    let count = 0;
    for (let a = 1; a < people; a++) {
      for (let b = 0; b < a; b++) {
        const i = Math.max(sample[a]!, sample[b]!);
        const j = Math.min(sample[a]!, sample[b]!);
        if (i !== j) drawn[count++] = triangle[(i * (i - 1)) / 2 + j]!;
      }
    }
    return strangerQuantile(drawn.subarray(0, count).sort().reverse(), tailProbability);
  });
  const mean = quantiles.reduce((sum, value) => sum + value, 0) / resamples;
  return Math.sqrt(quantiles.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (resamples - 1));
}
