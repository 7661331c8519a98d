import { describe, expect, it } from 'vitest';
import { mergeOverlaps, suppressOverlaps } from './non-maximum-suppression.ts';

const box = (left: number, top: number, side = 10) => ({ left, top, width: side, height: side });
const face = (left: number, score: number) => {
  const point = { x: left + 5, y: 5 };
  const landmarks = { left_eye: point, right_eye: point, nose: point, mouth_left: point, mouth_right: point };
  return { box: box(left, 0), score, landmarks };
};

describe('suppressOverlaps', () => {
  it('When boxes overlap, then the box with the highest score stays, and all distant boxes stay', () => {
    const low = { box: box(0, 0), score: 0.5 };
    const high = { box: box(1, 1), score: 0.9 };
    const far = { box: box(50, 50), score: 0.3 };

    expect(suppressOverlaps([low, far, high], 0.4)).toEqual([high, far]);
  });

  it('When boxes overlap by less than the limit, then both stay', () => {
    const boxes = [
      { box: box(0, 0), score: 0.9 },
      { box: box(5, 0), score: 0.8 },
    ];

    expect(suppressOverlaps(boxes, 0.4)).toHaveLength(2);
    expect(suppressOverlaps(boxes, 0.3)).toHaveLength(1);
  });
});

describe('mergeOverlaps', () => {
  it('When candidates overlap on one face, then box and landmarks are weighted means and the score is the highest', () => {
    const merged = mergeOverlaps([face(0, 0.9), face(1, 0.3), face(40, 0.7)], 0.4);

    expect(merged).toHaveLength(2);
    expect(merged[0]?.score).toBe(0.9);
    expect(merged[0]?.box.left).toBeCloseTo(0.25, 10);
    expect(merged[0]?.landmarks.nose.x).toBeCloseTo(5.25, 10);
    expect(merged[1]?.box).toEqual(box(40, 0));
  });
});
