import type { Calibration } from './calibration.ts';

/** Result of an identification: a match, a candidate for review by a person, or no match. */
export type Decision = 'match' | 'review' | 'unknown';

/** False-positive identification rates (FPIR) that a client can request. */
export type Fpir = 0.01 | 0.001;

/** FPIR of the review threshold: one stranger in ten reaches it. */
const reviewFpir = 0.1;

/** The FPIR for decisions that no person reviews, such as adding an unnamed face to a person. */
export const strictFpir: Fpir = 0.001;

/**
 * Returns the lowest cosine of a match, -1..1, for a false-positive identification rate and a gallery size.
 *
 * [Note: Threshold grows with the gallery]
 * A stranger's probe is compared with every template. So the chance of an accidental match grows with the gallery: a cosine that is
 * safe among 10 people names one stranger in five among 10,000 people. The threshold therefore rises with ln N, with a slope that is
 * measured for each model pack. So the promised false-positive rate is kept at any size.
 *
 * @param fpir if it is not a measured rate, the next stricter measured rate is used
 * @param templates number of templates in the gallery that belong to a person; below 1 counts as 1
 */
export function thresholdOf(calibration: Pick<Calibration, 'identification'>, fpir: number, templates: number): number {
  const logSize = Math.log(Math.max(1, templates));
  const row = calibration.identification.find((each) => each.fpir <= fpir) ?? calibration.identification.at(-1)!;
  return Math.min(row.ceiling, row.intercept + row.slope * logSize);
}

/**
 * Decides about the best candidate. `match`: the cosine reaches the threshold of `fpir`. `review`: it reaches the threshold of the
 * review rate, so a person should look. `unknown`: it is lower.
 */
export function decide(
  calibration: Pick<Calibration, 'identification'>,
  cosine: number,
  fpir: number,
  templates: number,
): Decision {
  if (cosine >= thresholdOf(calibration, fpir, templates)) return 'match';
  return cosine >= thresholdOf(calibration, Math.max(fpir, reviewFpir), templates) ? 'review' : 'unknown';
}
