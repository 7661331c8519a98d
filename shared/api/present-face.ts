import type { DetectedFace, QualityReason } from '../domain/face.ts';
import type { Box, Point } from '../domain/geometry.ts';

/** Presenters of measured values. They need no schema, so that every HTTP function can present an error at little cost. */

export const presentDetectedFace = (found: DetectedFace) => ({
  box: presentBox(found.box),
  confidence: rounded(found.confidence, 4),
  landmarks: {
    left_eye: presentPoint(found.landmarks.left_eye),
    right_eye: presentPoint(found.landmarks.right_eye),
    nose: presentPoint(found.landmarks.nose),
    mouth_left: presentPoint(found.landmarks.mouth_left),
    mouth_right: presentPoint(found.landmarks.mouth_right),
  },
  quality: { score: rounded(found.quality.score, 3), reasons: [...found.quality.reasons] },
  pose: { yaw: rounded(found.pose.yaw, 1), pitch: rounded(found.pose.pitch, 1), roll: rounded(found.pose.roll, 1) },
});

export const presentBox = ({ left, top, width, height }: Box) => ({
  left: Math.round(left),
  top: Math.round(top),
  width: Math.round(width),
  height: Math.round(height),
});

export const presentRejectedFace = (
  { box, quality }: Pick<DetectedFace, 'box' | 'quality'>,
  reasons: readonly QualityReason[],
) => ({
  box: presentBox(box),
  reasons: [...reasons],
  quality_score: presentScore(quality.score),
});

/** A score, 0..1, for people to read. */
export const presentScore = (value: number): number => rounded(value, 3);

/** Rounded: full precision would help to rebuild a template. */
export const presentSimilarity = (value: number): number => rounded(value, 3);

const presentPoint = ({ x, y }: Point) => ({ x: rounded(x, 1), y: rounded(y, 1) });
const rounded = (value: number, digits: number): number => Math.round(value * 10 ** digits) / 10 ** digits;
