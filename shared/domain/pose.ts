import { arcfaceTemplate, fivePoints } from './alignment.ts';
import type { Landmarks, Pose } from './face.ts';

/**
 * Estimates the head pose from five landmarks, in degrees. Returns 0, 0, 0 when the landmarks coincide.
 *
 * [Note: Pose from five points]
 * A rigid model of the five points is fitted by scaled orthographic projection: first a least-squares fit of the two rows of the
 * projection, then the nearest rotation. The front view of the model is the ArcFace template (the mean of upright, frontal faces). Its
 * depths are in units of the template, in which the eyes are 35 apart: the nose tip is 17 in front of the eyes, the mouth corners are 3
 * in front of them. The error is about 10 degrees, which is enough for a quality gate.
 */
export function poseOf(landmarks: Landmarks): Pose {
  const points = fivePoints(landmarks);
  const rowX = project(points, 0);
  const rowY = project(points, 1);
  const scaleX = Math.hypot(...rowX);
  const scaleY = Math.hypot(...rowY);
  if (!(scaleX > 0) || !(scaleY > 0)) return { yaw: 0, pitch: 0, roll: 0 };
  const x = rowX.map((value) => value / scaleX) as Vector;
  const y = orthogonal(rowY.map((value) => value / scaleY) as Vector, x);
  const roll = Math.atan2(points[3]! - points[1]!, points[2]! - points[0]!);
  // The third column of the rotation is the direction of the nose. Roll is removed: right, down, and towards the viewer.
  const right = x[2] * Math.cos(roll) + y[2] * Math.sin(roll);
  const down = y[2] * Math.cos(roll) - x[2] * Math.sin(roll);
  const toward = x[0] * y[1] - x[1] * y[0];
  return {
    yaw: degrees(Math.atan2(right, toward)),
    pitch: degrees(Math.atan2(-down, Math.hypot(right, toward))),
    roll: degrees(roll),
  };
}

type Vector = [number, number, number];

/** x and y of the template and depth towards the viewer, each minus its mean. */
const model: readonly Vector[] = centred(
  [0, 0, 17, 3, 3].map(
    (depth, i) => [arcfaceTemplate.points[2 * i]!, arcfaceTemplate.points[2 * i + 1]!, depth] as Vector,
  ),
);
const inverse = invertSymmetric(model);

/** Least-squares row of the projection. Its dot products with the points of the model are the coordinates in the picture. */
function project(points: Float64Array, axis: 0 | 1): Vector {
  const sum: Vector = [0, 0, 0];
  model.forEach((point, i) => {
    for (let d = 0; d < 3; d++) sum[d]! += point[d]! * points[2 * i + axis]!;
  });
  return inverse.map((row) => row[0] * sum[0] + row[1] * sum[1] + row[2] * sum[2]) as Vector;
}

/** Returns the part of `vector` that is orthogonal to the unit vector `to`, with length 1. */
function orthogonal(vector: Vector, to: Vector): Vector {
  const along = vector[0] * to[0] + vector[1] * to[1] + vector[2] * to[2];
  const rest = vector.map((value, i) => value - along * to[i]!) as Vector;
  const length = Math.hypot(...rest) || 1;
  return rest.map((value) => value / length) as Vector;
}

function centred(points: readonly Vector[]): Vector[] {
  const mean = [0, 1, 2].map((d) => points.reduce((sum, point) => sum + point[d]!, 0) / points.length);
  return points.map((point) => point.map((value, d) => value - mean[d]!) as Vector);
}

/** Inverse of the 3 x 3 scatter matrix of the points, by cofactors. */
function invertSymmetric(points: readonly Vector[]): Vector[] {
  const m = [0, 1, 2].map((i) => [0, 1, 2].map((j) => points.reduce((sum, p) => sum + p[i]! * p[j]!, 0)));
  const cofactor = (i: number, j: number) => {
    const [a, b] = [(i + 1) % 3, (i + 2) % 3];
    const [c, d] = [(j + 1) % 3, (j + 2) % 3];
    return m[a]![c]! * m[b]![d]! - m[a]![d]! * m[b]![c]!;
  };
  const determinant = m[0]![0]! * cofactor(0, 0) + m[0]![1]! * cofactor(0, 1) + m[0]![2]! * cofactor(0, 2);
  return [0, 1, 2].map((i) => [0, 1, 2].map((j) => cofactor(j, i) / determinant) as Vector);
}

const degrees = (radians: number) => (radians * 180) / Math.PI;
