import type { Landmarks } from './face.ts';
import type { Point } from './geometry.ts';

/** A similarity transform: `x' = a x - b y + tx`, `y' = b x + a y + ty`. `Math.hypot(a, b)` is its scale, atan2(b, a) its rotation. */
export interface Similarity {
  readonly a: number;
  readonly b: number;
  readonly tx: number;
  readonly ty: number;
}

/** Positions of facial landmarks in an aligned chip of `side` x `side` pixels. */
export interface Template {
  readonly side: number;
  /** x and y of each point in turn, in pixels of the chip. */
  readonly points: Float64Array;
}

/** Template of the ArcFace family: eyes, nose and mouth corners in 112 x 112 pixels. */
export const arcfaceTemplate: Template = {
  side: 112,
  points: Float64Array.of(38.2946, 51.6963, 73.5318, 51.5014, 56.0252, 71.7366, 41.5493, 92.3655, 70.7299, 92.2041),
};

/** Template of dlib (150 px, padding 0.25) for the five landmarks, for faces without 68 points. */
export const dlibFiveTemplate: Template = {
  side: 150,
  points: Float64Array.of(47.55, 46.6, 100.48, 46.6, 74.01, 76.56, 50.41, 103.02, 97.61, 103.02),
};

/** The points by which dlib aligns, of the 68: 27..54 and 60..64. */
const dlibIndexes = Array.from({ length: 68 }, (_, i) => i).filter((i) => (i >= 27 && i <= 54) || (i >= 60 && i <= 64));

/** dlib's mean face in 0..1, points 17..67. */
const dlibMeanX = [
  0.000213256, 0.0752622, 0.18113, 0.29077, 0.393397, 0.586856, 0.689483, 0.799124, 0.904991, 0.98004, 0.490127,
  0.490127, 0.490127, 0.490127, 0.36688, 0.426036, 0.490127, 0.554217, 0.613373, 0.121737, 0.187122, 0.265825, 0.334606,
  0.260918, 0.182743, 0.645647, 0.714428, 0.793132, 0.858516, 0.79751, 0.719335, 0.254149, 0.340985, 0.428858, 0.490127,
  0.551395, 0.639268, 0.726104, 0.642159, 0.556721, 0.490127, 0.423532, 0.338094, 0.290379, 0.428096, 0.490127,
  0.552157, 0.689874, 0.553364, 0.490127, 0.42689,
];
const dlibMeanY = [
  0.106454, 0.038915, 0.0187482, 0.0344891, 0.0773906, 0.0773906, 0.0344891, 0.0187482, 0.038915, 0.106454, 0.203352,
  0.307009, 0.409805, 0.515625, 0.587326, 0.609345, 0.628106, 0.609345, 0.587326, 0.216423, 0.178758, 0.179852,
  0.231733, 0.245099, 0.244077, 0.231733, 0.179852, 0.178758, 0.216423, 0.244077, 0.245099, 0.780233, 0.745405,
  0.727388, 0.742578, 0.727388, 0.745405, 0.780233, 0.864805, 0.902192, 0.909281, 0.902192, 0.864805, 0.784792,
  0.778746, 0.785343, 0.778746, 0.784792, 0.824182, 0.831803, 0.824182,
];

/** Template of dlib (150 px, padding 0.25) for points 27..54 and 60..64 of the 68. */
export const dlib68Template: Template = {
  side: 150,
  points: Float64Array.from(dlibIndexes.flatMap((i) => [25 + 100 * dlibMeanX[i - 17]!, 25 + 100 * dlibMeanY[i - 17]!])),
};

/** Selects the points of `dlib68Template` from 68 points (136 numbers, x and y in turn). */
export function dlib68Points(points68: Float32Array): Float64Array {
  return Float64Array.from(dlibIndexes.flatMap((i) => [points68[2 * i]!, points68[2 * i + 1]!]));
}

/** Returns x and y of the five landmarks in turn (10 numbers), in the order of the five-point templates. */
export function fivePoints({ left_eye, right_eye, nose, mouth_left, mouth_right }: Landmarks): Float64Array {
  return Float64Array.from([left_eye, right_eye, nose, mouth_left, mouth_right].flatMap(({ x, y }) => [x, y]));
}

/**
 * Returns five landmarks from the 68 points of the iBUG 300-W scheme (136 numbers). The eyes are the means of points 36-41 and 42-47;
 * the nose is point 30, the mouth corners are points 48 and 54.
 */
export function fiveOf68(points68: Float32Array): Landmarks {
  const point = (i: number): Point => ({ x: points68[2 * i]!, y: points68[2 * i + 1]! });
  const mean = (first: number): Point => {
    let x = 0;
    let y = 0;
    for (let i = first; i < first + 6; i++) {
      x += points68[2 * i]! / 6;
      y += points68[2 * i + 1]! / 6;
    }
    return { x, y };
  };
  return { left_eye: mean(36), right_eye: mean(42), nose: point(30), mouth_left: point(48), mouth_right: point(54) };
}

/**
 * Returns the similarity transform that maps `from` to `to` with the least squared error. Source: Umeyama 1991; in two dimensions and
 * without reflection, it is one complex division. Both arrays have the same length, with x and y of each point in turn. Errors:
 * RangeError when all points of `from` coincide.
 */
export function alignPoints(from: Float64Array, to: Float64Array): Similarity {
  const count = from.length / 2;
  let fromX = 0;
  let fromY = 0;
  let toX = 0;
  let toY = 0;
  for (let i = 0; i < from.length; i += 2) {
    fromX += from[i]! / count;
    fromY += from[i + 1]! / count;
    toX += to[i]! / count;
    toY += to[i + 1]! / count;
  }
  let real = 0;
  let imaginary = 0;
  let spread = 0;
  for (let i = 0; i < from.length; i += 2) {
    const x = from[i]! - fromX;
    const y = from[i + 1]! - fromY;
    const u = to[i]! - toX;
    const v = to[i + 1]! - toY;
    real += x * u + y * v;
    imaginary += x * v - y * u;
    spread += x * x + y * y;
  }
  if (!(spread > 0)) throw new RangeError('The points cannot be aligned: all of them coincide.');
  const a = real / spread;
  const b = imaginary / spread;
  return { a, b, tx: toX - a * fromX + b * fromY, ty: toY - b * fromX - a * fromY };
}

/** Returns the inverse transform. The scale must not be 0. */
export function invert({ a, b, tx, ty }: Similarity): Similarity {
  const square = a * a + b * b;
  return { a: a / square, b: -b / square, tx: -(a * tx + b * ty) / square, ty: (b * tx - a * ty) / square };
}

/** Transforms a point. */
export function applySimilarity({ a, b, tx, ty }: Similarity, { x, y }: Point): Point {
  return { x: a * x - b * y + tx, y: b * x + a * y + ty };
}
