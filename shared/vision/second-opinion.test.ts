import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Landmarks } from '../domain/face.ts';
import { opinions } from '../domain/tuning.ts';
import { drawGroup, drawPortrait, drawScene } from '../testing/portraits/index.ts';
import { describeShared } from '../testing/shared-files.ts';
import type { Detection, Detector } from './kinds.ts';
import { pyramidOf } from './pyramid.ts';
import { detectTogether } from './second-opinion.ts';
import { type BuiltinParts, openBuiltinParts, pictureOf } from './testing/builtin.ts';

let parts: BuiltinParts;
beforeAll(async () => {
  parts = await openBuiltinParts();
});
afterAll(() => parts.close());

/** A detector with fixed results: `detect` returns `found`; `judge` returns the face with `score`, or null. */
const saying = (found: Detection[], score: number | null): Detector => ({
  detect: async () => found,
  judge: async (_, face) => (score === null ? null : { ...face, score }),
});
const face = (left: number, side: number, score = 0.5): Detection => ({
  box: { left, top: 10, width: side, height: side },
  score,
  landmarks: null,
});
const bigPicture = pyramidOf({ pixels: new Uint8Array(3 * 400 * 400), width: 400, height: 400 });
const smallPicture = pyramidOf({ pixels: new Uint8Array(3 * 250 * 250), width: 250, height: 250 });

describe('detectTogether', () => {
  it.each([
    ['both scores are high', 0.9, 0.8, 1],
    ['only one detector sees the face', 0.8, null, 0],
    ['both scores are low', 0.4, 0.4, 0],
  ])('When %s, then the mean decides', async (_, one, other, count) => {
    const found = await detectTogether(bigPicture, saying([face(10, 40)], one), saying([], other));

    expect(found).toHaveLength(count);
    for (const { score } of found) expect(score).toBeCloseTo((one! + other!) / 2);
  });

  it('When a face is big, then it needs a higher score than a small face', async () => {
    const doubtful = (opinions.accepted.small.score + opinions.accepted.big.score) / 2;

    const found = await detectTogether(
      bigPicture,
      saying([face(10, 30), face(100, 200)], doubtful),
      saying([], doubtful),
    );

    expect(found.map(({ box }) => box.width)).toEqual([30]);
  });

  it('When both find the same face and the second finds another, then the result has two faces', async () => {
    const found = await detectTogether(
      bigPicture,
      saying([face(10, 40)], 0.9),
      saying([face(13, 40), face(200, 40)], 0.9),
    );

    expect(found.map(({ box }) => box.left).sort((a, b) => a - b)).toEqual([10, 200]);
  });

  it('When a face lies inside another, then the face with the higher score stays', async () => {
    const first: Detector = {
      ...saying([face(10, 100), face(30, 40)], 1),
      judge: async (_, it) => ({ ...it, score: it.box.width / 100 }),
    };

    const found = await detectTogether(bigPicture, first, saying([], 0.9));

    expect(found.map(({ box }) => box.width)).toEqual([100]);
  });

  it('When a small picture shows a confident face, then the second detector judges but does not search', async () => {
    const second: Detector = { ...saying([], 0.9), detect: () => Promise.reject(new Error('It must not search.')) };

    const found = await detectTogether(smallPicture, saying([face(10, 100, 0.9)], null), second);

    expect(found).toEqual([{ ...face(10, 100), score: 0.9 }]);
  });

  it('When a face is confident, then onConfident receives it before the judgement, and the result has its landmarks', async () => {
    const received: Detection[] = [];
    const landmarks = Object.fromEntries(
      ['left_eye', 'right_eye', 'nose', 'mouth_left', 'mouth_right'].map((name) => [name, { x: 1, y: 1 }]),
    ) as unknown as Landmarks;
    const confident = { ...face(10, 100, opinions.confident), landmarks };
    const first = saying([confident, face(150, 90, opinions.confident - 0.01)], null);
    const second: Detector = {
      ...saying([], 0),
      judge: async (_, it) => {
        await Promise.resolve();
        return { ...it, score: received.length };
      },
    };

    const found = await detectTogether(smallPicture, first, second, { onConfident: (it) => received.push(it) });

    expect(received).toEqual([confident]);
    expect(found.find(({ box }) => box.left === 10)?.landmarks).toBe(landmarks);
  });

  it('When the first detector finds no face in a small picture, then the second detector searches too', async () => {
    const found = await detectTogether(smallPicture, saying([], 0.9), saying([face(50, 60)], 0.9));

    expect(found).toHaveLength(1);
  });
});

describe('the built-in detectors together', () => {
  it('When the picture is a portrait, then one face with landmarks is found', async () => {
    const picture = await pictureOf(await drawPortrait({ person: 'greta', size: 250 }));

    const found = await detectTogether(picture, parts.blazeface, parts.ssd);

    expect(found).toHaveLength(1);
    expect(found[0]!.landmarks).not.toBeNull();
    expect(found[0]!.score).toBeGreaterThan(0.8);
  });

  it('When a big picture shows many people, then each face is found once', async () => {
    const members = Array.from({ length: 24 }, (_, i) => ({ person: i + 1 }));
    const picture = await pictureOf(await drawGroup(members, { size: { width: 1600, height: 900 }, rows: 3 }));

    const found = await detectTogether(picture, parts.blazeface, parts.ssd);

    expect(found).toHaveLength(24);
  });

  it.each(['garden', 'wall', 'lights'] as const)(
    'When the picture shows only a %s, then no face is found',
    async (background) => {
      const picture = await pictureOf(await drawScene({ background, size: 700 }));

      expect(await detectTogether(picture, parts.blazeface, parts.ssd)).toEqual([]);
    },
  );
});

describeShared('the built-in detectors on real photos', 'photos', (photos) => {
  it.each([
    ['groups/ultralight_10.jpg', 19, 19],
    ['groups/vladhuman_solvay1927.jpg', 28, 29],
    ['hard/masks/ultralight_img4.jpeg', 31, 32],
    ['hard/nonface/immich_orychophragmus_violaceus.jpg', 0, 0],
  ])('When the photo is %s, then between %i and %i faces are found', async (file, least, most) => {
    const picture = await pictureOf(await readFile(join(photos, file)));

    const found = await detectTogether(picture, parts.blazeface, parts.ssd);

    expect(found.length).toBeGreaterThanOrEqual(least);
    expect(found.length).toBeLessThanOrEqual(most);
  });
});
