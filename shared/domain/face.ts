import type { Box, Point } from './geometry.ts';

/**
 * Five facial landmarks, in pixels of the upright image. Left and right are those of the picture, not of the person: on an upright
 * face `left_eye.x < right_eye.x`, so `left_eye` is the person's right eye (the order of RetinaFace and ArcFace). Eyes are their
 * centres, `nose` is the tip, mouth points are the corners.
 */
export interface Landmarks {
  readonly left_eye: Point;
  readonly right_eye: Point;
  readonly nose: Point;
  readonly mouth_left: Point;
  readonly mouth_right: Point;
}

/**
 * Head pose in degrees, estimated from the landmarks. 0, 0, 0 looks into the camera. Yaw > 0 looks to the right of the picture, pitch
 * > 0 looks up, roll > 0 is clockwise.
 */
export interface Pose {
  readonly yaw: number;
  readonly pitch: number;
  readonly roll: number;
}

/** Reasons for the low quality or the rejection of a face. The codes are stable and machine-readable. */
export const qualityReasons = [
  'LOW_CONFIDENCE',
  'SMALL_FACE',
  'LOW_SHARPNESS',
  'EXTREME_POSE',
  'LOW_BRIGHTNESS',
  'HIGH_BRIGHTNESS',
  'CUT_OFF',
  'NEAR_DUPLICATE',
] as const;
export type QualityReason = (typeof qualityReasons)[number];

/** Fitness of a face for recognition: `score` 0 (useless) to 1 (a passport photo), and the reasons for a low score. */
export interface Quality {
  readonly score: number;
  readonly reasons: readonly QualityReason[];
}

/** Quality of a face in the photo that was just processed. */
export interface MeasuredQuality extends Quality {
  /** The trait that lowers the score most, even if it is no reason. null when no trait lowers the score. */
  readonly weakest: QualityReason | null;
}

/** A face found in a photo. */
export interface DetectedFace {
  readonly box: Box;
  /** The detector's score, 0..1. */
  readonly confidence: number;
  readonly landmarks: Landmarks;
  readonly pose: Pose;
  readonly quality: Quality;
}

/** Place of a photo: WGS 84 degrees; accuracy as a radius in metres. */
export interface Location {
  readonly lat: number;
  readonly lon: number;
  readonly accuracy_m?: number | undefined;
}
