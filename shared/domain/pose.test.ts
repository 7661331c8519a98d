import { describe, expect, it } from 'vitest';
import { arcfaceTemplate } from './alignment.ts';
import type { Landmarks } from './face.ts';
import { poseOf } from './pose.ts';

/** The frontal face with depths, rotated as a rigid body and projected orthographically. */
function seen({ yaw = 0, pitch = 0, roll = 0 }): Landmarks {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const depths = [0, 0, 17, 3, 3];
  const points = depths.map((depth, i) => {
    let [x, y, z] = [arcfaceTemplate.points[2 * i]! - 56, arcfaceTemplate.points[2 * i + 1]! - 72, depth];
    [y, z] = [
      y * Math.cos(radians(pitch)) - z * Math.sin(radians(pitch)),
      y * Math.sin(radians(pitch)) + z * Math.cos(radians(pitch)),
    ];
    [x, z] = [
      x * Math.cos(radians(yaw)) + z * Math.sin(radians(yaw)),
      z * Math.cos(radians(yaw)) - x * Math.sin(radians(yaw)),
    ];
    [x, y] = [
      x * Math.cos(radians(roll)) - y * Math.sin(radians(roll)),
      x * Math.sin(radians(roll)) + y * Math.cos(radians(roll)),
    ];
    return { x: 300 + 2 * x, y: 200 + 2 * y };
  });
  const [left_eye, right_eye, nose, mouth_left, mouth_right] = points as [
    Landmarks['nose'],
    Landmarks['nose'],
    Landmarks['nose'],
    Landmarks['nose'],
    Landmarks['nose'],
  ];
  return { left_eye, right_eye, nose, mouth_left, mouth_right };
}

describe('poseOf', () => {
  it('When a face looks into the camera, then all angles are 0', () => {
    const { yaw, pitch, roll } = poseOf(seen({}));

    expect(yaw).toBeCloseTo(0, 5);
    expect(pitch).toBeCloseTo(0, 5);
    expect(roll).toBeCloseTo(0, 0);
  });

  it.each([
    [{ yaw: 35 }, 'yaw', 35],
    [{ yaw: -50 }, 'yaw', -50],
    [{ pitch: 25 }, 'pitch', 25],
    [{ pitch: -30 }, 'pitch', -30],
    [{ roll: 40 }, 'roll', 40],
    [{ yaw: 20, pitch: 15, roll: -10 }, 'yaw', 20],
  ] as const)('When a face is rotated by %o, then %s is %d', (turn, angle, degrees) => {
    expect(poseOf(seen(turn))[angle]).toBeCloseTo(degrees, -0.5);
  });

  it('When the nose is on the right, then yaw is positive; when the nose is high, then pitch is positive', () => {
    const front = seen({});

    expect(poseOf({ ...front, nose: { x: front.nose.x + 20, y: front.nose.y } }).yaw).toBeGreaterThan(15);
    expect(poseOf({ ...front, nose: { x: front.nose.x, y: front.nose.y - 15 } }).pitch).toBeGreaterThan(10);
  });

  it('When the landmarks coincide, then every angle is a finite number', () => {
    const point = { x: 5, y: 5 };

    const pose = poseOf({ left_eye: point, right_eye: point, nose: point, mouth_left: point, mouth_right: point });

    expect(Object.values(pose).every(Number.isFinite)).toBe(true);
  });
});
