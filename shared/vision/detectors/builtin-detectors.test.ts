import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawGroup, drawPortrait, drawScene } from '../../testing/portraits/index.ts';
import type { Detector } from '../kinds.ts';
import { type BuiltinParts, openBuiltinParts, pictureOf, surest } from '../testing/builtin.ts';

let parts: BuiltinParts;
beforeAll(async () => {
  parts = await openBuiltinParts();
});
afterAll(() => parts.close());

const group = (count: number) => Array.from({ length: count }, (_, i) => ({ person: i + 1 }));

describe.each([
  ['blazeface', () => parts.blazeface],
  ['ssd-mobilenet', () => parts.ssd],
] as [string, () => Detector][])('%s', (_, detector) => {
  it('When a face is small in a wide picture, then its box surrounds it, in pixels of the picture', async () => {
    const at = { x: 0.25, y: 0.5 };
    const picture = await pictureOf(
      await drawPortrait({ person: 'greta', size: { width: 1200, height: 600 }, fill: 0.3, at }),
    );

    const { box, score } = surest(await detector().detect(picture));

    expect(score).toBeGreaterThan(0.6);
    expect(box.left).toBeLessThan(300);
    expect(box.left + box.width).toBeGreaterThan(300);
    expect(box.top).toBeLessThan(300);
    expect(box.top + box.height).toBeGreaterThan(330);
    expect(box.height).toBeGreaterThan(70);
    expect(box.height).toBeLessThan(220);
  });

  it('When several people are side by side, then each face is found once', async () => {
    const picture = await pictureOf(await drawGroup(group(5), { size: { width: 1000, height: 360 } }));

    const found = (await detector().detect(picture)).filter(({ score }) => score > 0.5);

    expect(found).toHaveLength(5);
  });

  it('When a face is judged alone, then its score is higher than that of a piece of wall', async () => {
    const picture = await pictureOf(await drawPortrait({ person: 'boris', size: 400 }));
    const face = surest(await detector().detect(picture));
    const wall = { ...face, box: { left: 0, top: 0, width: 60, height: 60 } };

    const judged = await detector().judge?.(picture, face);
    const nothing = await detector().judge?.(picture, wall);

    expect(judged?.score).toBeGreaterThan(0.6);
    expect(nothing?.score ?? 0).toBeLessThan(0.3);
  });

  it('When the call is aborted, then it rejects with the reason', async () => {
    const picture = await pictureOf(await drawScene({ size: 200 }));

    await expect(detector().detect(picture, { signal: AbortSignal.abort(new Error('enough')) })).rejects.toThrow(
      'enough',
    );
  });
});

describe('blazeface', () => {
  it.each([
    ['fills the frame', 0.95],
    ['has an ordinary size', 0.5],
  ])('When a face %s, then its landmarks lie in it, and left_eye is on the left of the picture', async (_, fill) => {
    const picture = await pictureOf(await drawPortrait({ person: 'jonas', size: 300, fill, at: { x: 0.5, y: 0.5 } }));

    const { score, landmarks } = surest(await parts.blazeface.detect(picture));

    expect(score).toBeGreaterThan(0.6);
    expect(landmarks!.left_eye.x).toBeLessThan(landmarks!.right_eye.x);
    expect((landmarks!.left_eye.x + landmarks!.right_eye.x) / 2).toBeCloseTo(150, -1.2);
    expect(Math.abs(landmarks!.left_eye.y - 150)).toBeLessThan(25);
    expect(landmarks!.nose.y).toBeGreaterThan(landmarks!.left_eye.y);
    expect(landmarks!.mouth_left.y).toBeGreaterThan(landmarks!.nose.y);
    expect(landmarks!.mouth_left.x).toBeLessThan(landmarks!.mouth_right.x);
  });

  it('When the picture shows thirty small faces in rows, then the crowd look finds nearly all', async () => {
    const picture = await pictureOf(await drawGroup(group(30), { size: { width: 1000, height: 500 }, rows: 3 }));

    const found = (await parts.blazeface.detect(picture)).filter(({ score }) => score > 0.5);

    expect(found.length).toBeGreaterThanOrEqual(28);
    expect(found.length).toBeLessThanOrEqual(30);
  });
});
