import { invert, type Similarity } from '../domain/alignment.ts';
import type { Raster } from './kinds.ts';
import { levelFor, type Pyramid } from './pyramid.ts';

/**
 * Draws the square chip of `side` pixels into `into` (8-bit RGB, interleaved, from `offset`), where `toChip` brings raster
 * pixels to chip pixels. Bilinear, from the level in which the face shrinks by less than two; outside the raster black.
 * Positions are pixel corners: the centre of the first pixel is (0.5, 0.5).
 */
export async function warpChip(
  pyramid: Pyramid,
  toChip: Similarity,
  side: number,
  into: Uint8Array,
  offset = 0,
): Promise<void> {
  const level = levelFor(Math.hypot(toChip.a, toChip.b));
  drawChip(await pyramid.level(level), level, toChip, side, into, offset);
}

/** See: [Note: Loops stand in functions of their own] */
function drawChip(
  { pixels, width, height }: Raster,
  level: number,
  toChip: Similarity,
  side: number,
  into: Uint8Array,
  offset: number,
): void {
  const shrink = 1 / 2 ** level;
  const back = invert(toChip);
  const a = back.a * shrink;
  const b = back.b * shrink;
  let to = offset;
  for (let v = 0; v < side; v++) {
    let x = a * 0.5 - b * (v + 0.5) + back.tx * shrink - 0.5;
    let y = b * 0.5 + a * (v + 0.5) + back.ty * shrink - 0.5;
    for (let u = 0; u < side; u++, to += 3, x += a, y += b) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < -1 || top < -1 || left >= width || top >= height) {
        into[to] = into[to + 1] = into[to + 2] = 0;
        continue;
      }
      const fx = x - left;
      const fy = y - top;
      if (left >= 0 && top >= 0 && left + 1 < width && top + 1 < height) {
        const a = 3 * (top * width + left);
        const c = a + 3 * width;
        const wd = fx * fy;
        const wb = fx - wd;
        const wc = fy - wd;
        const wa = 1 - fx - wc;
        into[to] = wa * pixels[a]! + wb * pixels[a + 3]! + wc * pixels[c]! + wd * pixels[c + 3]! + 0.5;
        into[to + 1] = wa * pixels[a + 1]! + wb * pixels[a + 4]! + wc * pixels[c + 1]! + wd * pixels[c + 4]! + 0.5;
        into[to + 2] = wa * pixels[a + 2]! + wb * pixels[a + 5]! + wc * pixels[c + 2]! + wd * pixels[c + 5]! + 0.5;
        continue;
      }
      // At the edge, what lies outside weighs nothing.
      const inLeft = left >= 0;
      const inRight = left + 1 < width;
      const inTop = top >= 0;
      const inBottom = top + 1 < height;
      const wa = inLeft && inTop ? (1 - fx) * (1 - fy) : 0;
      const wb = inRight && inTop ? fx * (1 - fy) : 0;
      const wc = inLeft && inBottom ? (1 - fx) * fy : 0;
      const wd = inRight && inBottom ? fx * fy : 0;
      const ia = 3 * (top * width + left);
      const pb = wb > 0 ? ia + 3 : 0;
      const ic = ia + 3 * width;
      const id = ic + 3;
      const pa = wa > 0 ? ia : 0;
      const pc = wc > 0 ? ic : 0;
      const pd = wd > 0 ? id : 0;
      into[to] = wa * pixels[pa]! + wb * pixels[pb]! + wc * pixels[pc]! + wd * pixels[pd]! + 0.5;
      into[to + 1] = wa * pixels[pa + 1]! + wb * pixels[pb + 1]! + wc * pixels[pc + 1]! + wd * pixels[pd + 1]! + 0.5;
      into[to + 2] = wa * pixels[pa + 2]! + wb * pixels[pb + 2]! + wc * pixels[pc + 2]! + wd * pixels[pd + 2]! + 0.5;
    }
  }
}
