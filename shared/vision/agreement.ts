import { fivePoints } from '../domain/alignment.ts';
import { boxArea } from '../domain/geometry.ts';
import { agreement } from '../domain/tuning.ts';
import type { Detection, FaceLandmarks } from './kinds.ts';

/**
 * Returns false when the landmark network contradicts the detector. Both results are in raster pixels. A detection without landmarks
 * always agrees.
 *
 * [Note: Landmarks confirm a detection]
 * A dog, a mask or a leaf can look like a face to a detector. The landmark network was trained on other photos, and puts its points
 * elsewhere on them. The distance is the root mean square distance of the five points, divided by the box's side (the square root of
 * its area). It is 0.02 to 0.1 on faces, and up to 0.17 on profiles, whose scores are above 0.85. It was 0.17 and 0.21 on two dogs,
 * with scores of 0.73 and 0.49. So a greater distance needs a higher score.
 */
export function agrees({ box, score, landmarks }: Detection, located: FaceLandmarks): boolean {
  if (!landmarks) return true;
  const detected = fivePoints(landmarks);
  const points = fivePoints(located.five);
  let squares = 0;
  for (const [i, value] of points.entries()) squares += (value - detected[i]!) ** 2;
  const distance = Math.sqrt(squares / 5 / boxArea(box));
  return score >= agreement.score + agreement.perDistance * Math.max(0, distance - agreement.free);
}
