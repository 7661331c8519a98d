import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  alignPoints,
  applySimilarity,
  arcfaceTemplate,
  dlib68Points,
  dlib68Template,
  fiveOf68,
  fivePoints,
  invert,
  type Similarity,
} from './alignment.ts';

const similarity = fc.record({
  angle: fc.double({ min: -3, max: 3, noNaN: true }),
  scale: fc.double({ min: 0.05, max: 20, noNaN: true }),
  tx: fc.double({ min: -500, max: 500, noNaN: true }),
  ty: fc.double({ min: -500, max: 500, noNaN: true }),
});
const of = ({ angle, scale, tx, ty }: { angle: number; scale: number; tx: number; ty: number }): Similarity => ({
  a: scale * Math.cos(angle),
  b: scale * Math.sin(angle),
  tx,
  ty,
});
const moved = (points: Float64Array, transform: Similarity) => {
  const result = Float64Array.from(points);
  for (let i = 0; i < result.length; i += 2) {
    const { x, y } = applySimilarity(transform, { x: points[i]!, y: points[i + 1]! });
    result[i] = x;
    result[i + 1] = y;
  }
  return result;
};

describe('alignPoints', () => {
  it('When points are rotated, scaled and shifted, then the inverse transform is found', () => {
    void fc.assert(
      fc.property(similarity, (drawn) => {
        const photo = moved(arcfaceTemplate.points, of(drawn));

        const chip = moved(photo, alignPoints(photo, arcfaceTemplate.points));

        for (const [i, value] of chip.entries()) expect(value).toBeCloseTo(arcfaceTemplate.points[i]!, 6);
      }),
    );
  });

  it('When points do not fit exactly, then a small change of the transform increases the error', () => {
    const photo = Float64Array.of(60, 80, 130, 90, 95, 120, 70, 160, 120, 150);
    const misfit = (transform: Similarity) =>
      moved(photo, transform).reduce((sum, value, i) => sum + (value - arcfaceTemplate.points[i]!) ** 2, 0);

    const best = alignPoints(photo, arcfaceTemplate.points);

    for (const change of [{ a: 1e-3 }, { a: -1e-3 }, { b: 1e-3 }, { b: -1e-3 }, { tx: 0.1 }, { ty: -0.1 }]) {
      const [key, by] = Object.entries(change)[0] as [keyof Similarity, number];
      expect(misfit({ ...best, [key]: best[key] + by })).toBeGreaterThan(misfit(best));
    }
  });

  it('When all points coincide, then a RangeError is thrown', () => {
    expect(() => alignPoints(new Float64Array(10).fill(7), arcfaceTemplate.points)).toThrow(RangeError);
  });
});

describe('invert', () => {
  it('When a point is transformed and then transformed back, then it is at its first position', () => {
    void fc.assert(
      fc.property(similarity, (drawn) => {
        const transform = of(drawn);

        const back = applySimilarity(invert(transform), applySimilarity(transform, { x: 12, y: -34 }));

        expect(back.x).toBeCloseTo(12, 6);
        expect(back.y).toBeCloseTo(-34, 6);
      }),
    );
  });
});

describe('68 points', () => {
  it('When five landmarks are computed from 68 points, then the eyes are means and the others are single points', () => {
    const points = new Float32Array(136);
    for (let i = 0; i < 68; i++) points.set([i, 100 + i], 2 * i);

    const five = fiveOf68(points);

    expect(Array.from(fivePoints(five))).toEqual([38.5, 138.5, 44.5, 144.5, 30, 130, 48, 148, 54, 154]);
  });

  it("When dlib's mean face is aligned to dlib's template, then the transform is the identity", () => {
    const points = new Float32Array(136);
    const used = Array.from({ length: 68 }, (_, i) => i).filter((i) => (i >= 27 && i <= 54) || (i >= 60 && i <= 64));
    used.forEach((index, i) => {
      points.set([dlib68Template.points[2 * i]!, dlib68Template.points[2 * i + 1]!], 2 * index);
    });

    const transform = alignPoints(dlib68Points(points), dlib68Template.points);

    expect(used).toHaveLength(33);
    expect(transform.a).toBeCloseTo(1, 5);
    expect(transform.b).toBeCloseTo(0, 5);
    expect(transform.tx).toBeCloseTo(0, 3);
  });
});
