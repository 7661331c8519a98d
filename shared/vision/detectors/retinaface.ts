import * as z from 'zod';
import type { Landmarks } from '../../domain/face.ts';
import type { Size } from '../../domain/geometry.ts';
import { mergeOverlaps } from '../../domain/non-maximum-suppression.ts';
import type { Detector, FoundFace, KindOptions, OpenDetector } from '../kinds.ts';
import { type InputContract, letterbox, type Placement } from '../letterbox.ts';
import { lookTwice } from '../looks.ts';
import type { Values } from '../worker-pool.ts';

const optionsSchema = z.strictObject({});

const contract: InputContract = { color: 'bgr', mean: [104, 117, 123], std: [1, 1, 1] };

/** Sides of the square anchors in pixels of the input, for each stride. */
const anchors = [
  { stride: 8, sides: [16, 32] },
  { stride: 16, sides: [64, 128] },
  { stride: 32, sides: [256, 512] },
] as const;
const variance = { centre: 0.1, size: 0.2 } as const;
/** The sides of the input must be a multiple of the largest stride. */
const multiple = 32;
const overlapLimit = 0.4;
/** A little less than the score of an ordinary, clearly visible face. */
const confident = 0.9;

/**
 * RetinaFace (Deng et al. 2020) with the anchors of MobileNet-0.25 and ResNet-50: any input size, five landmarks. Input BGR minus the
 * channel means. Outputs: `loc` 1 x A x 4, `conf` 1 x A x 2, `landms` 1 x A x 10.
 */
export const openRetinaface: OpenDetector = ({ network, options }): Detector => {
  optionsSchema.parse(options);
  return {
    detect: (picture, { signal }: KindOptions = {}) =>
      lookTwice(picture, {
        multiple,
        confident,
        overlapLimit,
        look: async (size, placement, minimumScore) => {
          const input = await letterbox(picture, contract, size, placement, network.input);
          const { loc, conf, landms } = await network.run(input, [1, 3, size.height, size.width], { signal });
          if (!loc || !conf || !landms)
            throw new Error('The RetinaFace network must have the outputs loc, conf and landms.');
          const found = decodeAnchors(loc, conf, landms, size, placement, minimumScore);
          return mergeOverlaps(found, overlapLimit);
        },
      }),
  };
};

function decodeAnchors(
  { data: loc }: Values,
  { data: conf }: Values,
  { data: landms }: Values,
  size: Size,
  { scale, offsetX, offsetY }: Placement,
  minimumScore: number,
): FoundFace[] {
  const found: FoundFace[] = [];
  let index = 0;
  for (const { stride, sides } of anchors) {
    for (let centreY = stride / 2; centreY < size.height; centreY += stride) {
      for (let centreX = stride / 2; centreX < size.width; centreX += stride) {
        for (const side of sides) {
          const score = conf[2 * index + 1]!;
          if (score >= minimumScore) found.push(decodeAnchor(index, score, side, centreX, centreY));
          index++;
        }
      }
    }
  }
  return found;

  function decodeAnchor(anchor: number, score: number, side: number, anchorX: number, anchorY: number): FoundFace {
    const width = side * Math.exp(loc[4 * anchor + 2]! * variance.size);
    const height = side * Math.exp(loc[4 * anchor + 3]! * variance.size);
    const x = anchorX + loc[4 * anchor]! * variance.centre * side;
    const y = anchorY + loc[4 * anchor + 1]! * variance.centre * side;
    const point = (i: number) => ({
      x: (anchorX + landms[10 * anchor + 2 * i]! * variance.centre * side - offsetX) / scale,
      y: (anchorY + landms[10 * anchor + 2 * i + 1]! * variance.centre * side - offsetY) / scale,
    });
    const landmarks: Landmarks = {
      left_eye: point(0),
      right_eye: point(1),
      nose: point(2),
      mouth_left: point(3),
      mouth_right: point(4),
    };
    return {
      box: {
        left: (x - width / 2 - offsetX) / scale,
        top: (y - height / 2 - offsetY) / scale,
        width: width / scale,
        height: height / scale,
      },
      score,
      landmarks,
    };
  }
}
