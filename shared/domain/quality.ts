import type { Landmarks, MeasuredQuality, Pose, QualityReason } from './face.ts';
import { type Box, boxArea, intersectionArea, type Size } from './geometry.ts';
import { qualityRamps } from './tuning.ts';

/** Measurements from which the quality of a face is computed. */
export interface QualityTraits {
  /** The detector's score, 0..1. */
  readonly confidence: number;
  /** In pixels of the photo, like `landmarks`. */
  readonly box: Box;
  readonly landmarks: Landmarks;
  readonly pose: Pose;
  /** Size of the photo. */
  readonly photo: Size;
  readonly light: ChipLight;
}

/** Brightness and sharpness of an aligned face. */
export interface ChipLight {
  /** Mean luma, 0..255. */
  readonly brightness: number;
  /** Mean absolute Laplacian of the luma, divided by its standard deviation. 0 for a uniform area. */
  readonly sharpness: number;
}

/** Computes the fitness of a face for recognition. `score` is the product of one factor for each trait. See: qualityRamps */
export function qualityOf({ confidence, box, landmarks, pose, photo, light }: QualityTraits): MeasuredQuality {
  const { left_eye, right_eye } = landmarks;
  const eyeDistance = Math.hypot(right_eye.x - left_eye.x, right_eye.y - left_eye.y);
  // Yaw shortens the eye distance, but not the face.
  const unturned = eyeDistance / Math.max(Math.cos((pose.yaw * Math.PI) / 180), 0.4);
  const outside = 1 - intersectionArea(box, { left: 0, top: 0, ...photo }) / boxArea(box);
  const factors: readonly (readonly [QualityReason, number])[] = [
    ['LOW_CONFIDENCE', ramp(confidence, qualityRamps.confidence)],
    ['SMALL_FACE', ramp(unturned, qualityRamps.eyeDistance)],
    ['LOW_SHARPNESS', ramp(light.sharpness, qualityRamps.sharpness)],
    ['EXTREME_POSE', ramp(Math.hypot(pose.yaw, pose.pitch), qualityRamps.angle)],
    ['LOW_BRIGHTNESS', ramp(light.brightness, qualityRamps.darkness)],
    ['HIGH_BRIGHTNESS', ramp(light.brightness, qualityRamps.brightness)],
    ['CUT_OFF', ramp(outside, qualityRamps.outside)],
  ];
  const [weakest, least] = factors.reduce((one, other) => (other[1] < one[1] ? other : one));
  return {
    weakest: least < 1 ? weakest : null,
    score: factors.reduce((product, [, factor]) => product * factor, 1),
    reasons: factors.filter(([, factor]) => factor < qualityRamps.reasonBelow).map(([reason]) => reason),
  };
}

/** 0 at `useless`, 1 at `good`, linear in between, constant outside. Either limit can be the larger one. */
function ramp(value: number, { useless, good }: { readonly useless: number; readonly good: number }): number {
  return Math.min(1, Math.max(0, (value - useless) / (good - useless)));
}

/**
 * Measures brightness and sharpness of an aligned face: a chip of `side` x `side` pixels, 8-bit RGB, interleaved, from index `offset`
 * of `pixels`. Uses the inner 60 % of both sides, because the border is often background.
 */
export function chipLight(pixels: Uint8Array, side: number, offset = 0): ChipLight {
  const first = Math.floor(side * 0.2);
  const size = Math.ceil(side * 0.8) - first;
  const luma = new Float32Array(size * size);
  let sum = 0;
  let squares = 0;
  for (let y = 0, to = 0; y < size; y++) {
    let from = offset + 3 * ((first + y) * side + first);
    for (let x = 0; x < size; x++, from += 3, to++) {
      const value = 0.299 * pixels[from]! + 0.587 * pixels[from + 1]! + 0.114 * pixels[from + 2]!;
      luma[to] = value;
      sum += value;
      squares += value * value;
    }
  }
  const brightness = sum / luma.length;
  const deviation = Math.sqrt(Math.max(0, squares / luma.length - brightness * brightness));
  let edges = 0;
  for (let y = 1; y < size - 1; y++) {
    for (let i = y * size + 1; i < y * size + size - 1; i++) {
      edges += Math.abs(4 * luma[i]! - luma[i - 1]! - luma[i + 1]! - luma[i - size]! - luma[i + size]!);
    }
  }
  return { brightness, sharpness: deviation < 1 ? 0 : edges / (size - 2) ** 2 / deviation };
}
