import { describe, expect, it } from 'vitest';
import { chipLight, type QualityTraits, qualityOf } from './quality.ts';

/** A press photo: eyes 42 px apart, looking nearly into the camera, well lit. */
const ordinary: QualityTraits = {
  confidence: 0.98,
  box: { left: 70, top: 60, width: 100, height: 126 },
  landmarks: {
    left_eye: { x: 100, y: 113 },
    right_eye: { x: 142, y: 113 },
    nose: { x: 121, y: 136 },
    mouth_left: { x: 105, y: 156 },
    mouth_right: { x: 137, y: 156 },
  },
  pose: { yaw: 8, pitch: -6, roll: 2 },
  photo: { width: 250, height: 250 },
  light: { brightness: 132, sharpness: 0.2 },
};
const eyesApart = (distance: number) => ({
  landmarks: { ...ordinary.landmarks, right_eye: { x: 100 + distance, y: 113 } },
});

describe('qualityOf', () => {
  it('When a photo is ordinary, then there is no reason', () => {
    expect(qualityOf(ordinary)).toEqual({ score: 1, reasons: [], weakest: null });
  });

  it.each([
    ['LOW_CONFIDENCE', { confidence: 0.5 }],
    ['SMALL_FACE', eyesApart(12)],
    ['LOW_SHARPNESS', { light: { brightness: 132, sharpness: 0.06 } }],
    ['EXTREME_POSE', { pose: { yaw: 62, pitch: 0, roll: 0 } }],
    ['EXTREME_POSE', { pose: { yaw: 40, pitch: -45, roll: 0 } }],
    ['LOW_BRIGHTNESS', { light: { brightness: 25, sharpness: 0.2 } }],
    ['HIGH_BRIGHTNESS', { light: { brightness: 240, sharpness: 0.2 } }],
    ['CUT_OFF', { box: { left: -40, top: 60, width: 100, height: 126 } }],
  ] as const)('When a face has %s, then that is the only reason, and the score is below 0.5', (reason, trait) => {
    const quality = qualityOf({ ...ordinary, ...trait });

    expect(quality.reasons).toEqual([reason]);
    expect(quality.score).toBeLessThan(0.5);
  });

  it('When the head is turned, then the shorter eye distance does not count as a small face', () => {
    const quality = qualityOf({ ...ordinary, ...eyesApart(24), pose: { yaw: 50, pitch: 0, roll: 0 } });

    expect(quality.reasons).toEqual([]);
  });

  it('When one trait is a little low, then it is the weakest trait but no reason', () => {
    const { reasons, weakest } = qualityOf({
      ...ordinary,
      ...eyesApart(27),
      light: { brightness: 45, sharpness: 0.2 },
    });

    expect([reasons, weakest]).toEqual([[], 'LOW_BRIGHTNESS']);
  });

  it('When several traits are a little low, then the score is lower than for each of them alone', () => {
    const dim = { light: { brightness: 45, sharpness: 0.2 } };
    const turned = { pose: { yaw: 40, pitch: 0, roll: 0 } };

    const both = qualityOf({ ...ordinary, ...dim, ...turned }).score;

    expect(both).toBeLessThan(qualityOf({ ...ordinary, ...dim }).score);
    expect(both).toBeLessThan(qualityOf({ ...ordinary, ...turned }).score);
  });
});

describe('chipLight', () => {
  const side = 20;
  const chip = (luma: (x: number, y: number) => number) =>
    Uint8Array.from({ length: 3 * side * side }, (_, i) => luma(Math.floor(i / 3) % side, Math.floor(i / 3 / side)));

  it('When a chip is uniform, then brightness is its luma and sharpness is 0', () => {
    expect(
      chipLight(
        chip(() => 90),
        side,
      ),
    ).toEqual({ brightness: expect.closeTo(90, 3), sharpness: 0 });
  });

  it('When edges are softer, then sharpness falls although the contrast stays', () => {
    const edge = chipLight(
      chip((x) => (x < 10 ? 40 : 200)),
      side,
    );
    const ramp = chipLight(
      chip((x) => 8 * x + 40),
      side,
    );

    expect(ramp.sharpness).toBeLessThan(edge.sharpness / 4);
  });

  it('When the chip follows another chip, then the offset selects it', () => {
    const two = Uint8Array.from([...chip(() => 10), ...chip(() => 200)]);

    expect(chipLight(two, side, 3 * side * side).brightness).toBeCloseTo(200, 3);
  });
});
