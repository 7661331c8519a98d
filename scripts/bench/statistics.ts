/** Numbers that a face recognition system is judged by, from cosines alone. */

export interface ScoredPair {
  readonly fold: number;
  readonly same: boolean;
  /** -1..1; -Infinity when one of the photos has no face. */
  readonly cosine: number;
}

/** 1:1 verification, 0..1: the threshold that is best on all other folds, tested on each fold. */
export function verificationAccuracy(pairs: readonly ScoredPair[]): number {
  const folds = [...new Set(pairs.map(({ fold }) => fold))];
  const accuracies = folds.map((fold) => {
    const threshold = bestThreshold(pairs.filter((pair) => pair.fold !== fold));
    const test = pairs.filter((pair) => pair.fold === fold);
    return test.filter(({ same, cosine }) => cosine >= threshold === same).length / test.length;
  });
  return mean(accuracies);
}

/** Middle of the cosines between which most pairs are told apart rightly. */
function bestThreshold(pairs: readonly ScoredPair[]): number {
  const sorted = pairs.toSorted((a, b) => a.cosine - b.cosine);
  let right = sorted.filter(({ same }) => same).length;
  let best = right;
  let from = sorted[0]!.cosine;
  let to = from;
  sorted.forEach(({ same }, i) => {
    right += same ? -1 : 1;
    const above = sorted[i + 1]?.cosine ?? 1;
    if (right < best) return;
    if (right > best) from = (sorted[i]!.cosine + above) / 2;
    best = right;
    to = (sorted[i]!.cosine + above) / 2;
  });
  return Math.max((from + to) / 2, -1);
}

/** Cosines of one open-set trial: probes of enrolled people and of strangers against one gallery. */
export interface OpenSetTrial {
  /** Per enrolled person's probe: cosine to the own template, and the highest to another's. */
  readonly mates: readonly { readonly own: number; readonly other: number }[];
  /** Per stranger's probe: the highest cosine to anybody. */
  readonly strangers: readonly number[];
  readonly gallerySize: number;
}

/** Share of mates that are not found, or not first, at `threshold`. */
export function falseNegativeRate({ mates }: OpenSetTrial, threshold: number): number {
  return mates.filter(({ own, other }) => own < threshold || own <= other).length / mates.length;
}

/** Share of strangers that get somebody's name at `threshold`. */
export function falsePositiveRate({ strangers }: OpenSetTrial, threshold: number): number {
  return strangers.filter((cosine) => cosine >= threshold).length / strangers.length;
}

/** Least threshold at which at most `fpir` of the trial's strangers get a name. */
export function thresholdAt({ strangers }: OpenSetTrial, fpir: number): number {
  const sorted = strangers.toSorted((a, b) => b - a);
  const allowed = Math.floor(fpir * sorted.length);
  return allowed < sorted.length ? sorted[allowed]! + 1e-9 : -1;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Repeatable numbers in 0..1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** A shuffled copy (Fisher-Yates). */
export function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const copy = [...values];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j]!, copy[i]!];
  }
  return copy;
}
