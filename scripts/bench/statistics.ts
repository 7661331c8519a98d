/** Accuracy measures of face recognition, computed from cosines. */

export interface ScoredPair {
  readonly fold: number;
  readonly same: boolean;
  /** -1..1; -1 when one of the photos has no face. */
  readonly cosine: number;
}

/** Accuracy of 1:1 verification, 0..1: each fold is tested with the threshold that is best on all other folds. */
export function verificationAccuracy(pairs: readonly ScoredPair[]): number {
  const folds = [...new Set(pairs.map(({ fold }) => fold))];
  const accuracies = folds.map((fold) => {
    const threshold = bestThreshold(pairs.filter((pair) => pair.fold !== fold));
    const test = pairs.filter((pair) => pair.fold === fold);
    return test.filter(({ same, cosine }) => cosine >= threshold === same).length / test.length;
  });
  return mean(accuracies);
}

/** The middle of the range of thresholds that classify the most pairs correctly. */
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

/** Cosines of one open-set trial: probes of enrolled people (mates) and of strangers, against one gallery. */
export interface OpenSetTrial {
  /** For each mate's probe: the cosine with the person's own template, and the highest cosine with another person's template. */
  readonly mates: readonly { readonly own: number; readonly other: number }[];
  /** For each stranger's probe: the highest cosine with any template. */
  readonly strangers: readonly number[];
  readonly gallerySize: number;
}

/** FNIR: share of mates whose own template is below `threshold`, or not the first hit. */
export function falseNegativeRate({ mates }: OpenSetTrial, threshold: number): number {
  return mates.filter(({ own, other }) => own < threshold || own <= other).length / mates.length;
}

/** FPIR: share of strangers that match a template at `threshold`. */
export function falsePositiveRate({ strangers }: OpenSetTrial, threshold: number): number {
  return strangers.filter((cosine) => cosine >= threshold).length / strangers.length;
}

/** Lowest threshold at which at most a share `fpir` of the trial's strangers match. */
export function thresholdAt({ strangers }: OpenSetTrial, fpir: number): number {
  const sorted = strangers.toSorted((a, b) => b - a);
  const allowed = Math.floor(fpir * sorted.length);
  return allowed < sorted.length ? sorted[allowed]! + 1e-9 : -1;
}

export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Pseudo-random numbers in 0..1 that a seed repeats (mulberry32). */
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
