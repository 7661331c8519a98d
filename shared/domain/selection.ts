import { type Box, boxArea } from './geometry.ts';
import { selection } from './tuning.ts';

/**
 * Whether it is unclear which face a photo of one person means: another face is nearly as big as the biggest.
 *
 * @param boxes all faces, biggest first
 */
export function isAmbiguous(boxes: readonly Box[]): boolean {
  const [biggest, second] = boxes;
  return biggest !== undefined && second !== undefined && boxArea(second) >= selection.similarArea * boxArea(biggest);
}
