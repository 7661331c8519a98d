import * as z from 'zod';
import { applySimilarity, fiveOf68, invert, type Similarity } from '../../domain/alignment.ts';
import type { Landmarks } from '../../domain/face.ts';
import type { Box } from '../../domain/geometry.ts';
import { landmarkCrop } from '../../domain/tuning.ts';
import { inTurns } from '../in-turns.ts';
import type { Detection, FaceLandmarks, OpenLandmarker } from '../kinds.ts';
import { channelTables, type InputContract } from '../letterbox.ts';
import { fillPlanes } from '../planes.ts';
import type { Pyramid } from '../pyramid.ts';
import { warpChip } from '../warp.ts';

const optionsSchema = z.strictObject({});

const side = 112;
const contract: InputContract = { color: 'rgb', mean: [122.782, 117.001, 104.298], std: [255, 255, 255] };

/**
 * Position of a face in raster pixels: the midpoint of the eyes, a unit of length of about the eye distance, and the angle of the eye
 * line in radians.
 */
interface Pose {
  readonly x: number;
  readonly y: number;
  readonly unit: number;
  readonly angle: number;
}

/**
 * The 68-point network of face-api.
 *
 * [Note: Two passes of landmarks]
 * The network is most accurate for an upright face in the centre of its crop. The five landmarks of a detector are accurate only to a
 * few pixels. So the first pass uses a crop that is aligned by the detector, and the second pass a crop that is aligned by the first.
 * A detection without landmarks needs one more pass.
 */
export const openLandmarks68: OpenLandmarker = ({ network, options }) => {
  optionsSchema.parse(options);
  const tables = channelTables(contract);

  async function pass(picture: Pyramid, pose: Pose, cropSide: number, signal?: AbortSignal): Promise<Float32Array> {
    const toCrop = cropOf(pose, cropSide);
    const pixels = new Uint8Array(3 * side * side);
    await warpChip(picture, toCrop, side, pixels);
    const input = network.input(3 * side * side);
    fillPlanes({ pixels, from: 0, side }, tables, { bgr: false, mirrored: false }, input, 0);
    const { points } = await network.run(input, [1, 3, side, side], { signal });
    if (points?.data.length !== 136)
      throw new Error('The 68-point network must have the output points with 136 numbers.');
    return inPicture(points.data, invert(toCrop));
  }

  async function locate(picture: Pyramid, face: Detection, signal?: AbortSignal): Promise<FaceLandmarks> {
    const start = face.landmarks ? poseOf(face.landmarks) : poseOfBox(face.box);
    let points68 = await pass(picture, start, landmarkCrop.firstSide, signal);
    for (let again = face.landmarks ? 1 : 2; again > 0; again--) {
      points68 = await pass(picture, poseOf(fiveOf68(points68)), landmarkCrop.side, signal);
    }
    return { five: fiveOf68(points68), points68 };
  }

  return {
    locate: (picture, detections, { signal } = {}) => inTurns(detections, (face) => locate(picture, face, signal)),
  };
};

function poseOf({ left_eye, right_eye, mouth_left, mouth_right }: Landmarks): Pose {
  const x = (left_eye.x + right_eye.x) / 2;
  const y = (left_eye.y + right_eye.y) / 2;
  const eyes = Math.hypot(right_eye.x - left_eye.x, right_eye.y - left_eye.y);
  const mouth = Math.hypot((mouth_left.x + mouth_right.x) / 2 - x, (mouth_left.y + mouth_right.y) / 2 - y);
  const angle = Math.atan2(right_eye.y - left_eye.y, right_eye.x - left_eye.x);
  // In a profile the eyes are close together, but the mouth keeps its distance from the eyes.
  return { x, y, unit: Math.max(eyes, landmarkCrop.mouthShare * mouth, 1), angle };
}

/** Assumes an upright face, and a box from hairline to chin, as SSD-MobileNet returns it. */
function poseOfBox({ left, top, width, height }: Box): Pose {
  const unit = (width / landmarkCrop.boxWidth + height / landmarkCrop.boxHeight) / 2;
  return { x: left + width / 2, y: top + landmarkCrop.boxEyes * height, unit: Math.max(unit, 1), angle: 0 };
}

/** The transform from raster pixels to crop pixels that levels the eyes and centres the face. */
function cropOf({ x, y, unit, angle }: Pose, cropSide: number): Similarity {
  const scale = side / (cropSide * unit);
  const a = scale * Math.cos(angle);
  const b = -scale * Math.sin(angle);
  const centreX = x - Math.sin(angle) * landmarkCrop.below * unit;
  const centreY = y + Math.cos(angle) * landmarkCrop.below * unit;
  return { a, b, tx: side / 2 - a * centreX + b * centreY, ty: side / 2 - b * centreX - a * centreY };
}

/** Converts points from 0..1 of the crop to raster pixels. */
function inPicture(points: Float32Array, toPicture: Similarity): Float32Array {
  const moved = new Float32Array(points.length);
  for (let i = 0; i < points.length; i += 2) {
    const { x, y } = applySimilarity(toPicture, { x: points[i]! * side, y: points[i + 1]! * side });
    moved[i] = x;
    moved[i + 1] = y;
  }
  return moved;
}
