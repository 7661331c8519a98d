import type { Calibration } from '../../shared/domain/calibration.ts';
import { type Strangers, strangerQuantile, tailProbability } from './strangers.ts';

/** `cosine = intercept + slope * ln(1 / probability)`: the cosine that a pair of strangers reaches with that small probability. */
export interface Tail {
  readonly intercept: number;
  readonly slope: number;
}

/**
 * Fits a line above the tail of the strangers' cosines.
 *
 * [Note: From pairs to galleries]
 * A stranger's probe against N templates reaches a threshold at most N times as often as one pair of strangers does (the union
 * bound). This is true for every probe: people who resemble many others only make the true rate smaller. So the threshold for FPIR f
 * and N templates is the cosine that a pair reaches with probability f / N. In measurements the bound is tight: within 0.003 of the
 * true quantile at 10 to 400 templates.
 * Probabilities that are too small to count use a straight line over ln(1 / p), which is an exponential tail. Real tails fall faster
 * (the local slope shrinks from 0.036 to 0.028 per e-fold between 1e-2 and 1e-5). So the thresholds are too high rather than too low,
 * and the true FPIR is below its target.
 * The line is raised until it is on or above every quantile down to the probability 1e-4, and then by `margin` standard errors. Half a
 * standard error keeps the FPIR on average, and in nearly all halves of Labeled Faces in the Wild. A whole one would miss 1 to 2 % more
 * mates.
 */
export function fitTail({ cosines, tailError }: Pick<Strangers, 'cosines' | 'tailError'>, margin = 0.5): Tail {
  const points = countable(cosines).map((probability) => ({
    x: Math.log(1 / probability),
    y: strangerQuantile(cosines, probability),
  }));
  const straight = points.filter(({ x }) => x >= Math.log(1 / steepFrom));
  const meanX = straight.reduce((sum, { x }) => sum + x, 0) / straight.length;
  const meanY = straight.reduce((sum, { y }) => sum + y, 0) / straight.length;
  const covariance = straight.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const slope = covariance / straight.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const intercept = Math.max(
    ...points.filter(({ x }) => x <= Math.log(1 / tailProbability)).map(({ x, y }) => y - slope * x),
  );
  return { slope, intercept: intercept + margin * tailError };
}

/** Cosine that a pair of strangers reaches with `probability`. */
export const tailCosine = ({ intercept, slope }: Tail, probability: number): number =>
  intercept + slope * Math.log(1 / probability);

/** The slope is fitted to pairs with this probability or a smaller one. */
const steepFrom = 1e-3;
/** Number of templates above which thresholds do not rise any more. */
const largestGallery = 1e8;
const highestCosine = 0.999;

/** The calibration of a pack, from its strangers' cosines. It has no `mates` yet. */
export function fitCalibration(strangers: Strangers, source: string, margin = 0.5): Calibration {
  const tail = fitTail(strangers, margin);
  return {
    source,
    similarityKnots: similarityKnots(strangers.cosines, tail),
    identification: [0.1, 0.01, 0.001].map((fpir) => ({
      fpir,
      intercept: rounded(tailCosine(tail, fpir)),
      slope: rounded(tail.slope),
      ceiling: rounded(Math.min(tailCosine(tail, fpir / largestGallery), highestCosine)),
    })),
  };
}

/** Knots are counted down to the probability 1e-4, and follow the line from 1e-5. See: [Note: One similarity for every model]. */
function similarityKnots(cosines: Float32Array, tail: Tail): Calibration['similarityKnots'] {
  const knots = [{ cosine: -1, similarity: 0 }];
  const add = (cosine: number, similarity: number) => {
    if (cosine > knots.at(-1)!.cosine && cosine < highestCosine) knots.push({ cosine: rounded(cosine), similarity });
  };
  add(strangerQuantile(cosines, 0.5), 0.15);
  for (const decade of [1, 2, 3, 4]) add(strangerQuantile(cosines, 10 ** -decade), round1(0.2 + decade / 10));
  for (const decade of [5, 6, 7]) add(tailCosine(tail, 10 ** -decade), round1(0.2 + decade / 10));
  return [...knots, { cosine: 1, similarity: 1 }];
}

/** Shares at which the cosines of mates are stored. They are closer together up to 40 %, because limits are searched there. */
const mateShares = [
  0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98,
  0.995,
];

/** The share of mates below each cosine. `cosines`: one for each person, -1 for a photo without a face; at least one. */
export function fitMates(cosines: readonly number[], source: string): NonNullable<Calibration['mates']> {
  const sorted = cosines.toSorted((a, b) => a - b);
  const withoutFace = sorted.filter((cosine) => cosine <= -1).length;
  const missed = [{ cosine: -1, share: rounded(withoutFace / sorted.length) }];
  for (const share of mateShares) {
    const below = Math.max(withoutFace, Math.floor(share * sorted.length));
    const cosine = rounded(sorted[below] ?? 1);
    if (cosine > missed.at(-1)!.cosine && cosine < 1) missed.push({ cosine, share: rounded(below / sorted.length) });
  }
  return { source, missed: [...missed, { cosine: 1, share: 1 }] };
}

/** Probabilities, ten for each decade, at which at least 30 pairs can be counted. */
function countable(cosines: Float32Array): number[] {
  return Array.from({ length: 60 }, (_, i) => 10 ** -(1 + i / 10)).filter((p) => p * cosines.length >= 30);
}

const rounded = (value: number) => Math.round(value * 1e5) / 1e5;
const round1 = (value: number) => Math.round(value * 10) / 10;
