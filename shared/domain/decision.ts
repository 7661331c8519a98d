import type { Calibration } from './calibration.ts';

export type Decision = 'match' | 'review' | 'unknown';

/** False-positive identification rates that a client can ask for. */
export type Fpir = 0.01 | 0.001;

/** A candidate is worth a person's look when one stranger in ten would come so near. */
const reviewFpir = 0.1;

/** What joins an unnamed face to a person without anybody looking. */
export const strictFpir: Fpir = 0.001;

/**
 * [Note: Stricter with every person]
 * A stranger's probe is compared with everybody who is enrolled, so the chance that it resembles somebody by accident grows
 * with the gallery: a cosine that is safe among 10 people names one stranger in five among 10,000. The threshold therefore
 * rises with ln N, with a slope measured per model pack, and the promised false-positive rate holds at any size.
 *
 * @param templates templates in the gallery that belong to somebody; below 1 counts as 1
 * @returns least cosine of a match
 */
export function thresholdOf(calibration: Pick<Calibration, 'identification'>, fpir: number, templates: number): number {
  const logSize = Math.log(Math.max(1, templates));
  const row = calibration.identification.find((each) => each.fpir <= fpir) ?? calibration.identification.at(-1)!;
  return Math.min(row.ceiling, row.intercept + row.slope * logSize);
}

/** `match` keeps the promised FPIR; `review` is near enough for a person to look; everything else is `unknown`. */
export function decide(
  calibration: Pick<Calibration, 'identification'>,
  cosine: number,
  fpir: number,
  templates: number,
): Decision {
  if (cosine >= thresholdOf(calibration, fpir, templates)) return 'match';
  return cosine >= thresholdOf(calibration, Math.max(fpir, reviewFpir), templates) ? 'review' : 'unknown';
}
