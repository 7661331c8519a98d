import * as z from 'zod';
import type { Landmarks } from '../../domain/face.ts';
import { intersectionOverUnion, type Size } from '../../domain/geometry.ts';
import { suppressOverlaps } from '../../domain/non-maximum-suppression.ts';
import { blazefaceLooks as looks, opinions } from '../../domain/tuning.ts';
import type { Detection, KindOptions, OpenDetector } from '../kinds.ts';
import { alone, type InputContract, letterbox, type Placement, wholePicture } from '../letterbox.ts';
import type { Pyramid } from '../pyramid.ts';

const optionsSchema = z.strictObject({});

const contract: InputContract = { color: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] };
const maps = [
  { stride: 16, anchors: 2 },
  { stride: 32, anchors: 6 },
] as const;
const multiple = 32;
const numbersPerBox = 16;
/** Half the width of the mouth in eye distances. The network returns only the centre of the mouth. Source: the ArcFace template. */
const halfMouth = 0.41;

/**
 * BlazeFace (Bazarevsky et al. 2019), the model for the back camera, at any input size. It is fast, finds faces from close range to a
 * small group, and returns landmarks. It also finds false faces in textures, so a pack should add a second detector.
 */
export const openBlazeface: OpenDetector = ({ network, options }) => {
  optionsSchema.parse(options);

  async function look(picture: Pyramid, size: Size, placement: Placement, signal?: AbortSignal): Promise<Detection[]> {
    const input = await letterbox(picture, contract, size, placement, network.input);
    const { boxes, scores } = await network.run(input, [1, 3, size.height, size.width], { signal });
    if (!boxes || !scores) throw new Error('The BlazeFace network must have the outputs boxes and scores.');
    return decode(boxes.data, scores.data, size, placement);
  }

  /** Looks at the whole picture. Returns the faces whose longer box side, in pixels of the input, is `smallest` to `biggest`. */
  async function lookAtAll(
    picture: Pyramid,
    { side, room }: { readonly side: number; readonly room: number },
    smallest: number,
    biggest: number,
    signal?: AbortSignal,
  ): Promise<Detection[]> {
    const { size, placement } = wholePicture(picture.raster, { side, room, multiple, ...looks });
    const faces = await look(picture, size, placement, signal);
    return faces.filter(({ box }) => {
      const inInput = Math.max(box.width, box.height) * placement.scale;
      return inInput >= smallest && inInput <= biggest;
    });
  }

  return {
    async detect(picture, { signal }: KindOptions = {}) {
      const longer = Math.max(picture.raster.width, picture.raster.height);
      let overview = await lookAtAll(picture, looks.overview, 0, Number.POSITIVE_INFINITY, signal);
      if (!overview.some(isConfident)) {
        const far = await lookAtAll(picture, looks.far, looks.farSmallest, Number.POSITIVE_INFINITY, signal);
        overview = suppressOverlaps([...overview, ...far], looks.overlap);
      }
      if (longer <= looks.closeRange && overview.some(isConfident)) return overview;

      const overviewScale = looks.overview.side / longer;
      const big = overview.filter(({ box }) => longerSide(box) * overviewScale >= looks.overviewSmallest);
      const close = await lookAtAll(picture, looks.close, 0, looks.closeBiggest, signal);
      const found = suppressOverlaps([...big, ...close], looks.overlap);
      const smallest = Math.min(...found.map(({ box }) => longerSide(box))) * (looks.close.side / longer);
      if (longer < looks.crowdFrom || (found.length > 0 && smallest >= looks.crowdFace)) return found;

      const crowd = await lookAtAll(picture, looks.crowd, 0, looks.crowdBiggest, signal);
      return suppressOverlaps([...found, ...crowd], looks.overlap);
    },

    async judge(picture, face, { signal }: KindOptions = {}) {
      const { size, placement } = alone(face.box, looks.judgeInput, looks.judgeFace);
      const faces = await look(picture, size, placement, signal);
      return faces.find(({ box }) => intersectionOverUnion(box, face.box) >= opinions.sameFace) ?? null;
    },
  };
};

const isConfident = ({ score }: Detection): boolean => score >= looks.confident;
const longerSide = ({ width, height }: Size): number => Math.max(width, height);

/** Decodes the outputs for anchors of an input of `size`. The highest score comes first; overlaps are suppressed. */
function decode(
  boxes: Float32Array,
  scores: Float32Array,
  size: Size,
  { scale, offsetX, offsetY }: Placement,
): Detection[] {
  const found: Detection[] = [];
  let index = 0;
  for (const { stride, anchors } of maps) {
    for (let anchorY = stride / 2; anchorY < size.height; anchorY += stride) {
      for (let anchorX = stride / 2; anchorX < size.width; anchorX += stride) {
        for (let anchor = 0; anchor < anchors; anchor++, index++) {
          if (scores[index]! >= looks.candidate) found.push(decodeBox(index, anchorX, anchorY));
        }
      }
    }
  }
  return suppressOverlaps(found, looks.overlap);

  function decodeBox(at: number, anchorX: number, anchorY: number): Detection {
    const numbers = boxes.subarray(at * numbersPerBox, (at + 1) * numbersPerBox);
    const [x, y, width, height] = numbers as unknown as [number, number, number, number];
    const point = (i: number) => ({
      x: (anchorX + numbers[4 + 2 * i]! - offsetX) / scale,
      y: (anchorY + numbers[5 + 2 * i]! - offsetY) / scale,
    });
    return {
      box: {
        left: (anchorX + x - width / 2 - offsetX) / scale,
        top: (anchorY + y - height / 2 - offsetY) / scale,
        width: width / scale,
        height: height / scale,
      },
      score: scores[at]!,
      landmarks: fivePointsOf(point(0), point(1), point(2), point(3)),
    };
  }
}

type Point = Landmarks['nose'];

function fivePointsOf(left_eye: Point, right_eye: Point, nose: Point, mouth: Point): Landmarks {
  const x = halfMouth * (right_eye.x - left_eye.x);
  const y = halfMouth * (right_eye.y - left_eye.y);
  return {
    left_eye,
    right_eye,
    nose,
    mouth_left: { x: mouth.x - x, y: mouth.y - y },
    mouth_right: { x: mouth.x + x, y: mouth.y + y },
  };
}
