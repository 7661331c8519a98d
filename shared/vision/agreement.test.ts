import { describe, expect, it } from 'vitest';
import type { Landmarks } from '../domain/face.ts';
import { agrees } from './agreement.ts';

const five = (shift: number): Landmarks => ({
  left_eye: { x: 30 + shift, y: 40 },
  right_eye: { x: 70 + shift, y: 40 },
  nose: { x: 50 + shift, y: 60 },
  mouth_left: { x: 35 + shift, y: 80 },
  mouth_right: { x: 65 + shift, y: 80 },
});
const detection = (score: number) => ({ box: { left: 0, top: 0, width: 100, height: 100 }, score, landmarks: five(0) });

describe('agrees', () => {
  it.each([
    ['a face with a low score and near points', 0.46, 4, true],
    ['a profile with a high score and distant points', 0.88, 17, true],
    ['a dog', 0.73, 17, false],
    ['another dog', 0.49, 21, false],
    ['a dog with a high score and very distant points', 0.9, 30, false],
  ])('When the detection is %s, then the result is right', (_what, score, shift, expected) => {
    expect(agrees(detection(score), { five: five(shift), points68: null })).toBe(expected);
  });

  it('When the detection has no landmarks, then it is accepted', () => {
    expect(agrees({ ...detection(0.5), landmarks: null }, { five: five(90), points68: null })).toBe(true);
  });
});
