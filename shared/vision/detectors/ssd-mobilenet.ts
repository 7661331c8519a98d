import * as z from 'zod';
import { intersectionOverUnion, type Size } from '../../domain/geometry.ts';
import { suppressOverlaps } from '../../domain/non-maximum-suppression.ts';
import { ssdLooks as looks, opinions } from '../../domain/tuning.ts';
import type { Detection, KindOptions, OpenDetector } from '../kinds.ts';
import { alone, type InputContract, letterbox, type Placement, wholePicture } from '../letterbox.ts';
import type { Pyramid } from '../pyramid.ts';
import { decodeSsdBox, type SsdAnchors, ssdAnchors } from './ssd-anchors.ts';

const optionsSchema = z.strictObject({});

const contract: InputContract = { color: 'rgb', mean: [127.5, 127.5, 127.5], std: [127.5, 127.5, 127.5] };
const multiple = 64;

/**
 * SSD on MobileNetV1, trained on WIDER FACE at 512 px. It finds profiles and covered faces that other detectors miss, and rarely finds
 * a false face in a texture. It returns no landmarks. One run takes nine times as long as BlazeFace at the size of its overview look.
 */
export const openSsdMobilenet: OpenDetector = ({ network, options }) => {
  optionsSchema.parse(options);
  const anchorsOf = anchorCache();

  async function look(picture: Pyramid, size: Size, placement: Placement, signal?: AbortSignal): Promise<Detection[]> {
    const input = await letterbox(picture, contract, size, placement, network.input);
    const { boxes, scores } = await network.run(input, [1, 3, size.height, size.width], { signal });
    const anchors = anchorsOf(size);
    if (!boxes || scores?.data.length !== anchors.count) {
      throw new Error(
        'The SSD-MobileNet network must have the outputs boxes and scores, with one row for each anchor.',
      );
    }
    return decode(anchors, boxes.data, scores.data, placement);
  }

  return {
    async detect(picture, { signal }: KindOptions = {}) {
      const { size, placement } = wholePicture(picture.raster, { ...looks, room: 1, multiple });
      return look(picture, size, placement, signal);
    },

    async judge(picture, face, { signal }: KindOptions = {}) {
      let best: Detection | null = null;
      for (const faceSide of looks.judgeFaces) {
        const { size, placement } = alone(face.box, looks.judgeInput, faceSide);
        const faces = await look(picture, size, placement, signal);
        const same = faces.find(({ box }) => intersectionOverUnion(box, face.box) >= opinions.sameFace);
        if (same && same.score > (best?.score ?? 0)) best = same;
        if (best && best.score >= looks.convincing) break;
      }
      return best;
    },
  };
};

/** Converts the outputs to raster pixels. The highest score comes first; overlaps are suppressed. */
function decode(anchors: SsdAnchors, boxes: Float32Array, scores: Float32Array, placement: Placement): Detection[] {
  const { scale, offsetX, offsetY } = placement;
  const found: Detection[] = [];
  for (let index = 0; index < scores.length; index++) {
    if (scores[index]! < looks.candidate) continue;
    const { left, top, width, height } = decodeSsdBox(anchors, boxes, index);
    const box = {
      left: (left - offsetX) / scale,
      top: (top - offsetY) / scale,
      width: width / scale,
      height: height / scale,
    };
    found.push({ box, score: scores[index]!, landmarks: null });
  }
  return suppressOverlaps(found, looks.overlap);
}

/** Caches the anchors by input size. There are at most a few dozen sizes, because sides are multiples of 64 up to 512. */
function anchorCache(): (size: Size) => SsdAnchors {
  const known = new Map<string, SsdAnchors>();
  return ({ width, height }) => {
    const key = `${width}x${height}`;
    const anchors = known.get(key) ?? ssdAnchors(width, height);
    known.set(key, anchors);
    return anchors;
  };
}
