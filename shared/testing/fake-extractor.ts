import { AppError } from '../errors.ts';
import type { ExtractedFace, Extraction, Extractor, PackDescription } from '../ports/extractor.ts';
import { seededRandom, unitVector } from './vector-factories.ts';

/** Content of a fake photo. `no-face`: no face is found; `damaged`: decoding fails. */
export type PhotoKind = 'face' | 'no-face' | 'damaged';

/** Bytes that the fake extractor accepts as a photo; each `n` is a different photo with a different face. */
export const fakePhoto = (n: number, kind: PhotoKind = 'face'): Uint8Array =>
  Buffer.from(`fake photo ${kind} ${n} ${'x'.repeat(2000)}`);

export interface FakeExtractorOptions {
  /** Duration of an extraction in milliseconds; called for each one. */
  readonly latencyMs: () => number;
  /** Number of parallel extractions; further calls wait in order. */
  readonly working: number;
}

const dimension = 128;
/** Embedding space of the fake extractor; face ids depend on it. */
export const fakeSpace = 'fake.p1';
const description: PackDescription = {
  pack: 'builtin',
  space: fakeSpace,
  dimension,
  calibration: {
    source: 'invented for tests',
    similarityKnots: [
      { cosine: -1, similarity: 0 },
      { cosine: 0.5, similarity: 0.5 },
      { cosine: 1, similarity: 1 },
    ],
    identification: [
      { fpir: 0.01, intercept: 0.6, slope: 0.01, ceiling: 0.95 },
      { fpir: 0.001, intercept: 0.7, slope: 0.01, ceiling: 0.97 },
    ],
  },
};

/** An extractor without networks, for tests of the code around it: it waits as long as networks would, and finds the photo's face. */
export function fakeExtractor({ latencyMs, working }: FakeExtractorOptions): Extractor {
  let busy = 0;
  const queue: (() => void)[] = [];
  const enter = async () => {
    if (busy >= working) await new Promise<void>((resolve) => queue.push(resolve));
    else busy += 1;
  };
  const leave = () => {
    const next = queue.shift();
    if (next === undefined) busy -= 1;
    else next();
  };

  return {
    async extract(bytes, { onDecoded, signal } = {}) {
      const [, , kind, n] = Buffer.from(bytes).toString('latin1').split(' ', 4);
      await enter();
      try {
        signal?.throwIfAborted();
        await new Promise((resolve) => setTimeout(resolve, latencyMs()));
        signal?.throwIfAborted();
      } finally {
        leave();
      }
      if (kind === 'damaged') throw new AppError('IMAGE_CORRUPT');
      onDecoded?.();
      return extraction(kind === 'no-face' ? [] : [faceOf(Number(n))]);
    },
    render: async (bytes) => bytes,
    describe: async () => description,
    ready: async () => undefined,
    close: async () => undefined,
  };
}

const extraction = (faces: readonly ExtractedFace[]): Extraction => ({
  image: {
    format: 'jpeg',
    contentType: 'image/jpeg',
    width: 640,
    height: 480,
    capturedAt: null,
    capturedAtZone: null,
    location: null,
  },
  model: { pack: description.pack, space: description.space, dimension },
  faces,
  facesLeftOut: 0,
});

function faceOf(n: number): ExtractedFace {
  const at = (x: number, y: number) => ({ x, y });
  return {
    box: { left: 200, top: 100, width: 200, height: 220 },
    confidence: 0.99,
    landmarks: {
      left_eye: at(250, 180),
      right_eye: at(350, 180),
      nose: at(300, 230),
      mouth_left: at(260, 280),
      mouth_right: at(340, 280),
    },
    pose: { yaw: 0, pitch: 0, roll: 0 },
    quality: { score: 1, reasons: [], weakest: null },
    embedding: unitVector(dimension, seededRandom(n + 1)),
  };
}
