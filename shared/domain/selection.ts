import { type Box, boxArea, type Size } from './geometry.ts';
import { selection } from './tuning.ts';

/**
 * Selects the faces that can be the main face of a photo of one person: the biggest face, and the faces that are nearly as big. A face
 * that the edge of the image cuts is a bystander, unless all these faces are cut.
 *
 * @param boxes all faces, the biggest first
 * @returns indices into `boxes`; more than one index means that the main face is not clear
 */
export function mainFaces(boxes: readonly Box[], image: Size): number[] {
  const [biggest] = boxes;
  if (biggest === undefined) return [];
  const big = [...boxes.keys()].filter((i) => boxArea(boxes[i]!) >= selection.similarArea * boxArea(biggest));
  const whole = big.filter((i) => !isCut(boxes[i]!, image));
  return whole.length > 0 ? whole : big;
}

/** true when the box is nearer to an edge of the image than `selection.edge`. */
function isCut({ left, top, width, height }: Box, image: Size): boolean {
  const x = selection.edge * image.width;
  const y = selection.edge * image.height;
  return left < x || top < y || left + width > image.width - x || top + height > image.height - y;
}
