import { fivePoints } from '../domain/alignment.ts';
import { boxArea } from '../domain/geometry.ts';
import { agreement } from '../domain/tuning.ts';
import type { Detection, FaceLandmarks } from './kinds.ts';

/**
 * Whether the landmark network sees the face that the detector saw.
 *
 * [Note: Landmarks as a witness]
 * Dogs, masks and leaves that look like a face to a detector do not have its points where a landmark network, trained on
 * another kind of photo, puts them. On faces the two differ by 0.02 to 0.1 of the box's side, on profiles by up to 0.17 with
 * scores above 0.85, on two dogs by 0.17 and 0.21 with 0.73 and 0.49. So the further they are apart, the surer the detector must be.
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
