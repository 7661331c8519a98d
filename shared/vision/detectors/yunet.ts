import * as z from 'zod';
import type { Landmarks } from '../../domain/face.ts';
import type { Size } from '../../domain/geometry.ts';
import { mergeOverlaps } from '../../domain/non-maximum-suppression.ts';
import type { Detector, FoundFace, KindOptions, OpenDetector } from '../kinds.ts';
import { type InputContract, letterbox, type Placement } from '../letterbox.ts';
import { lookTwice } from '../looks.ts';
import type { Outputs } from '../worker-pool.ts';

const optionsSchema = z.strictObject({
  /** How to combine the two scores of a cell: `root`, the square root of the product (2023mar and later exports), or `product`. */
  score: z.enum(['root', 'product']).default('root'),
});

const contract: InputContract = { color: 'bgr', mean: [0, 0, 0], std: [1, 1, 1] };
const strides = [8, 16, 32] as const;
const multiple = 32;
const overlapLimit = 0.4;
/** A little less than the score of an ordinary, clearly visible face. */
const confident = 0.8;

/** YuNet (Wu et al. 2023): anchor-free, input sides in multiples of 32, BGR 0..255, five landmarks. */
export const openYunet: OpenDetector = ({ network, options }): Detector => {
  const { score } = optionsSchema.parse(options);
  return {
    detect: (picture, { signal }: KindOptions = {}) =>
      lookTwice(picture, {
        multiple,
        confident,
        overlapLimit,
        look: async (size, placement, minimumScore) => {
          const input = await letterbox(picture, contract, size, placement, network.input);
          const outputs = await network.run(input, [1, 3, size.height, size.width], { signal });
          return mergeOverlaps(decodeCells(outputs, size, placement, minimumScore, score), overlapLimit);
        },
      }),
  };
};

function decodeCells(
  outputs: Outputs,
  size: Size,
  { scale, offsetX, offsetY }: Placement,
  minimumScore: number,
  mode: 'root' | 'product',
): FoundFace[] {
  const found: FoundFace[] = [];
  for (const stride of strides) {
    const [cls, obj, bbox, kps] = ['cls', 'obj', 'bbox', 'kps'].map((name) => outputs[`${name}_${stride}`]?.data);
    if (!cls || !obj || !bbox || !kps)
      throw new Error('The YuNet network must have the outputs cls, obj, bbox and kps for the strides 8, 16 and 32.');
    const columns = size.width / stride;
    for (let index = 0; index < cls.length; index++) {
      const product = cls[index]! * obj[index]!;
      const score = mode === 'root' ? Math.sqrt(product) : product;
      if (score < minimumScore) continue;
      const column = index % columns;
      const row = Math.floor(index / columns);
      const width = Math.exp(bbox[4 * index + 2]!) * stride;
      const height = Math.exp(bbox[4 * index + 3]!) * stride;
      const x = (column + bbox[4 * index]!) * stride;
      const y = (row + bbox[4 * index + 1]!) * stride;
      const point = (i: number) => ({
        x: ((column + kps[10 * index + 2 * i]!) * stride - offsetX) / scale,
        y: ((row + kps[10 * index + 2 * i + 1]!) * stride - offsetY) / scale,
      });
      const landmarks: Landmarks = {
        left_eye: point(0),
        right_eye: point(1),
        nose: point(2),
        mouth_left: point(3),
        mouth_right: point(4),
      };
      const box = {
        left: (x - width / 2 - offsetX) / scale,
        top: (y - height / 2 - offsetY) / scale,
        width: width / scale,
        height: height / scale,
      };
      found.push({ box, score, landmarks });
    }
  }
  return found;
}
