import { resolve } from 'node:path';
import sharp from 'sharp';
import type { Detection, Detector, KindInput, Landmarker } from '../kinds.ts';
import { openNetwork } from '../network.ts';
import type { Component } from '../pack.ts';
import { type Pyramid, pyramidOf } from '../pyramid.ts';
import { detectors, landmarkers } from '../registry.ts';
import { ensurePack } from '../weights/ensure.ts';
import { openWorkerPool } from '../worker-pool.ts';

/** The networks of the built-in pack, each one separately. */
export interface BuiltinParts {
  readonly blazeface: Detector;
  readonly ssd: Detector;
  readonly landmarks68: Landmarker;
  close(): Promise<void>;
}

/** Opens the networks in one thread. Builds missing model files in node_modules/.cache/freeface. */
export async function openBuiltinParts(): Promise<BuiltinParts> {
  const pack = await ensurePack('builtin', {
    modelsDir: resolve('models'),
    dataDir: resolve('node_modules/.cache/freeface'),
  });
  const pool = openWorkerPool({ size: 1 });
  const input = ({ file, options }: Component): KindInput => ({ network: openNetwork(pool, file.path, file), options });
  return {
    blazeface: detectors.blazeface!(input(pack.detector)),
    ssd: detectors['ssd-mobilenet']!(input(pack.secondDetector!)),
    landmarks68: landmarkers['landmarks-68']!(input(pack.landmarker!)),
    close: () => pool.close(),
  };
}

/** Decodes an image file for the detectors. Ignores EXIF orientation. */
export async function pictureOf(bytes: Uint8Array): Promise<Pyramid> {
  const { data, info } = await sharp(bytes).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return pyramidOf({ pixels: data, width: info.width, height: info.height });
}

/** The face with the highest score. */
export function surest(faces: readonly Detection[]): Detection {
  const [best] = faces.toSorted((a, b) => b.score - a.score);
  if (!best) throw new Error('The detector found no face.');
  return best;
}
