import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Landmarks } from '../../domain/face.ts';
import { drawPortrait } from '../../testing/portraits/index.ts';
import { type BuiltinParts, openBuiltinParts, pictureOf, surest } from '../testing/builtin.ts';

let parts: BuiltinParts;
beforeAll(async () => {
  parts = await openBuiltinParts();
});
afterAll(() => parts.close());

/** Root mean square distance of five points in pixels. */
function distance(a: Landmarks, b: Landmarks): number {
  const names = ['left_eye', 'right_eye', 'nose', 'mouth_left', 'mouth_right'] as const;
  const squares = names.map((name) => (a[name].x - b[name].x) ** 2 + (a[name].y - b[name].y) ** 2);
  return Math.sqrt(squares.reduce((sum, square) => sum + square, 0) / names.length);
}

describe('landmarks-68', () => {
  it.each([0, 20, -20])(
    'When the head is tilted by %i degrees, then the eyes are tilted too, and the landmarks are near those of the detector',
    async (tilt) => {
      const picture = await pictureOf(await drawPortrait({ person: 'greta', size: 400, tilt }));
      const face = surest(await parts.blazeface.detect(picture));

      const [located] = await parts.landmarks68.locate(picture, [face]);

      const { left_eye, right_eye } = located!.five;
      expect(located!.points68).toHaveLength(136);
      expect(distance(located!.five, face.landmarks!)).toBeLessThan(0.12 * face.box.width);
      const angle = (Math.atan2(right_eye.y - left_eye.y, right_eye.x - left_eye.x) * 180) / Math.PI;
      expect(Math.abs(angle - tilt)).toBeLessThan(6);
    },
  );

  it('When the landmarks of the detector are some pixels off, then the second pass corrects them', async () => {
    const picture = await pictureOf(await drawPortrait({ person: 'boris', size: 400 }));
    const face = surest(await parts.blazeface.detect(picture));
    const moved = Object.fromEntries(
      Object.entries(face.landmarks!).map(([name, { x, y }]) => [name, { x: x + 8, y: y - 8 }]),
    ) as unknown as Landmarks;

    const [one, other] = await parts.landmarks68.locate(picture, [face, { ...face, landmarks: moved }]);

    expect(distance(one!.five, other!.five)).toBeLessThan(3);
  });

  it('When the detection has no landmarks, then the result is nearly the same as with landmarks', async () => {
    const picture = await pictureOf(await drawPortrait({ person: 'jonas', size: 400 }));
    const withPoints = surest(await parts.blazeface.detect(picture));
    const withoutPoints = surest(await parts.ssd.detect(picture));
    expect(withoutPoints.landmarks).toBeNull();

    const [one, other] = await parts.landmarks68.locate(picture, [withPoints, withoutPoints]);

    expect(distance(one!.five, other!.five)).toBeLessThan(4);
  });

  it('When the face is half outside the picture, then 68 points are still returned, and every number is finite', async () => {
    const picture = await pictureOf(await drawPortrait({ person: 'greta', size: 300, at: { x: 0.05, y: 0.5 } }));
    const box = { left: -80, top: 70, width: 160, height: 160 };

    const [located] = await parts.landmarks68.locate(picture, [{ box, score: 0.5, landmarks: null }]);

    expect(located!.points68!.every(Number.isFinite)).toBe(true);
  });
});
