import { expect, it } from 'vitest';
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
  const faces = await findFaces(photo, partsThatJudge(confident), { embed: true, purpose: 'template' });

  expect(faces).toMatchObject([{ embedding: new Float32Array([1, 0]), landmarks: five }]);
});

it('When the second detector rejects a confident face, then the result does not contain it', async () => {
  expect(await findFaces(photo, partsThatJudge(null), { embed: true, purpose: 'template' })).toEqual([]);
});
