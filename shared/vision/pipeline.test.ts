import { beforeEach, describe, expect, it } from 'vitest';
import { crowds } from '../domain/tuning.ts';
import type { DecodedImage } from './decode.ts';
import type { Detection, FaceLandmarks } from './kinds.ts';
import { findFaces, type Parts } from './pipeline.ts';

const five = {
  left_eye: { x: 40, y: 45 },
  right_eye: { x: 60, y: 45 },
  nose: { x: 50, y: 55 },
  mouth_left: { x: 42, y: 65 },
  mouth_right: { x: 58, y: 65 },
};
const confident: Detection = { box: { left: 25, top: 20, width: 50, height: 60 }, score: 0.85, landmarks: five };
const photo: DecodedImage = {
  raster: { pixels: new Uint8Array(3 * 100 * 100).fill(128), width: 100, height: 100 },
  scale: 1,
  facts: {
    width: 100,
    height: 100,
    format: 'jpeg',
    contentType: 'image/jpeg',
    capturedAt: null,
    capturedAtZone: null,
    location: null,
  },
};

/** A pack whose second detector waits until the face is embedded, and then returns `verdict`. */
function partsThatJudge(verdict: Detection | null): Parts {
  let embedded = () => {};
  const embedding = new Promise<void>((resolve) => {
    embedded = resolve;
  });
  return {
    detector: { detect: async () => [confident] },
    secondDetector: {
      detect: async () => [],
      async judge() {
        await embedding;
        return verdict;
      },
    },
    landmarker: { locate: async (_, faces) => faces.map((): FaceLandmarks => ({ five, points68: null })) },
    alignment: 'arcface-112',
    embedder: {
      side: 112,
      dimension: 2,
      sampling: 'bilinear',
      views: { probe: [{ zoom: 1, mirrored: false }], template: [{ zoom: 1, mirrored: false }] },
      async embed({ count }) {
        if (count > 0) embedded();
        return Array.from({ length: count }, () => new Float32Array([1, 0]));
      },
    },
  };
}

it('When the second detector still judges a confident face, then its embedding is computed at the same time', async () => {
  const { faces } = await findFaces(photo, partsThatJudge(confident), { embed: true, purpose: 'template' });

  expect(faces).toMatchObject([{ embedding: new Float32Array([1, 0]), landmarks: five }]);
});

it('When the second detector rejects a confident face, then the result does not contain it', async () => {
  expect(await findFaces(photo, partsThatJudge(null), { embed: true, purpose: 'template' })).toEqual({
    faces: [],
    leftOut: 0,
  });
});

describe('a crowd', () => {
  const embedded: number[] = [];
  /** A pack that finds `count` faces, the smallest first. */
  const crowdOf = (count: number): Parts => {
    const parts = partsThatJudge(confident);
    const faces = Array.from({ length: count }, (_, i): Detection => {
      const width = 20 + i / 100;
      return { ...confident, box: { left: 30, top: 30, width, height: width } };
    });
    return {
      ...parts,
      detector: { detect: async () => faces },
      secondDetector: null,
      embedder: {
        ...parts.embedder,
        async embed(chips, purpose, options) {
          embedded.push(chips.count);
          return await parts.embedder.embed(chips, purpose, options);
        },
      },
    };
  };
  const widths = (faces: readonly { readonly box: { readonly width: number } }[]) => faces.map(({ box }) => box.width);
  beforeEach(() => void embedded.splice(0));

  it('When a photo has more faces than the limit, then the biggest are processed, and the others are counted', async () => {
    const { faces, leftOut } = await findFaces(photo, crowdOf(crowds.faces + 40), { embed: true, purpose: 'probe' });

    expect([faces.length, leftOut]).toEqual([crowds.faces, 40]);
    expect(widths(faces)).toEqual(widths(faces).toSorted((a, b) => b - a));
    expect(widths(faces).at(-1)).toBe(20.4);
    expect(Math.max(...embedded)).toBe(crowds.group);
  });

  it('When the time is over, then no further group starts; the first group always runs', async () => {
    let time = 0;
    const now = () => {
      time += crowds.milliseconds / 2 - 1;
      return time;
    };
    const run = async (clock: () => number) => {
      const options = { embed: true, purpose: 'template', now: clock } as const;
      const { faces, leftOut } = await findFaces(photo, crowdOf(285), options);
      return [faces.length, leftOut];
    };

    const late = await run(now);
    let calls = 0;
    const later = await run(() => (calls++ === 0 ? 0 : 10 * crowds.milliseconds));

    expect(late).toEqual([3 * crowds.group, 285 - 3 * crowds.group]);
    expect(later).toEqual([crowds.group, 285 - crowds.group]);
  });

  it('When the photo has no more faces than the limit, and there is time, then all are processed', async () => {
    const { faces, leftOut } = await findFaces(photo, crowdOf(285), { embed: true, purpose: 'template', now: () => 0 });

    expect([faces.length, leftOut]).toEqual([285, 0]);
  });
});
