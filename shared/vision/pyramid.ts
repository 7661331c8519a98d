import { setImmediate as breathe } from 'node:timers/promises';
import type { Raster } from './raster.ts';

/**
 * An image pyramid: a raster and its halved copies, which are computed at the first use.
 *
 * [Note: Sampling from halves]
 * Bilinear sampling reads four pixels. When it shrinks by more than two, it skips pixels and causes aliasing. So detector inputs and
 * chips are sampled from a halved raster, in which they shrink by less than two. All faces and looks share the halved rasters, so the
 * cost is one pass over the pixels.
 */
export interface Pyramid {
  readonly raster: Raster;
  /** Returns the raster halved `level` times. Level 0 is the raster. */
  level(level: number): Promise<Raster>;
}

/** Returns the pyramid of a raster. Computes nothing yet. */
export function pyramidOf(raster: Raster): Pyramid {
  const levels: (Raster | Promise<Raster>)[] = [raster];
  return {
    raster,
    async level(level) {
      for (let next = levels.length; next <= level; next++) levels[next] = halve(await levels[next - 1]!);
      return levels[level]!;
    },
  };
}

/** Returns the level from which sampling shrinks by less than two. `scale` is output pixels per pixel of level 0. */
export function levelFor(scale: number): number {
  return scale >= 1 ? 0 : Math.max(0, Math.floor(Math.log2(1 / scale) + 1e-6));
}

/** Rows of `width` pixels that take about 2 ms. After so many rows, a loop gives the event loop a turn. */
export const rowsPerTurn = (width: number) => Math.max(1, Math.floor(150_000 / width));

/** Computes the means of 2 x 2 pixels. Drops an odd last row or column, unless it is the only one. */
async function halve(raster: Raster): Promise<Raster> {
  const { pixels } = raster;
  const width = Math.max(1, raster.width >> 1);
  const height = Math.max(1, raster.height >> 1);
  const halved = new Uint8Array(3 * width * height);
  const right = raster.width > 1 ? 3 : 0;
  const down = raster.height > 1 ? 3 * raster.width : 0;
  const chunk = rowsPerTurn(width);
  for (let y = 0; y < height; y++) {
    if (y > 0 && y % chunk === 0) await breathe();
    let from = 6 * raster.width * y;
    let to = 3 * width * y;
    for (let x = 0; x < width; x++, from += 6, to += 3) {
      halved[to] =
        (pixels[from]! + pixels[from + right]! + pixels[from + down]! + pixels[from + down + right]! + 2) >> 2;
      halved[to + 1] =
        (pixels[from + 1]! +
          pixels[from + right + 1]! +
          pixels[from + down + 1]! +
          pixels[from + down + right + 1]! +
          2) >>
        2;
      halved[to + 2] =
        (pixels[from + 2]! +
          pixels[from + right + 2]! +
          pixels[from + down + 2]! +
          pixels[from + down + right + 2]! +
          2) >>
        2;
    }
  }
  return { pixels: halved, width, height };
}
