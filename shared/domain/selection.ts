import { type Box, boxArea, type Size } from './geometry.ts';
import { selection } from './tuning.ts';

/**
 * Which faces a photo of one person may mean, as indices into `boxes`: the biggest, and those nearly as big. A face that the
 * picture's edge cuts is somebody who happened to stand beside, unless all are cut. More than one index: it is unclear.
 *
 * @param boxes all faces, biggest first
 */
export function mainFaces(boxes: readonly Box[], image: Size): number[] {
  const [biggest] = boxes;
  if (biggest === undefined) return [];
  const big = [...boxes.keys()].filter((i) => boxArea(boxes[i]!) >= selection.similarArea * boxArea(biggest));
  const whole = big.filter((i) => !isCut(boxes[i]!, image));
  return whole.length > 0 ? whole : big;
}

function isCut({ left, top, width, height }: Box, image: Size): boolean {
  const x = selection.edge * image.width;
  const y = selection.edge * image.height;
  return left < x || top < y || left + width > image.width - x || top + height > image.height - y;
}
