import { invert, type Similarity } from '../domain/alignment.ts';
import { levelFor, type Pyramid } from './pyramid.ts';
import type { Raster } from './raster.ts';

/**
 * Draws a square chip of `side` x `side` pixels. `toChip` maps positions in raster pixels to positions in chip pixels; in both, the
 * centre of the first pixel is at (0.5, 0.5). The function writes `3 * side * side` bytes to `into` from `offset` (8-bit RGB,
 * interleaved). It samples from the pyramid level in which the face shrinks by less than two. Pixels outside the raster are black.
 */
export async function warpChip(
  pyramid: Pyramid,
  toChip: Similarity,
  side: number,
  into: Uint8Array,
  { offset = 0, sampling = 'bilinear' }: { readonly offset?: number; readonly sampling?: Sampling } = {},
): Promise<void> {
  const level = levelFor(Math.hypot(toChip.a, toChip.b));
  const draw = sampling === 'bicubic' ? drawChipBicubic : drawChip;
  draw(await pyramid.level(level), level, toChip, side, into, offset);
}

/** Interpolation. `bicubic` (Catmull-Rom) keeps more detail and takes twice as long. */
export type Sampling = 'bilinear' | 'bicubic';

/**
 * Bilinear. The branch for positions inside the raster comes first and indexes with integers, because nearly all pixels take it. See:
 * [Note: Pixel loops outside async functions]
 */
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
  const [lastX, lastY, line] = [width - 1, height - 1, 3 * width];
  let to = offset;
  for (let v = 0; v < side; v++) {
    let x = a * 0.5 - b * (v + 0.5) + back.tx * shrink - 0.5;
    let y = b * 0.5 + a * (v + 0.5) + back.ty * shrink - 0.5;
    for (let u = 0; u < side; u++, to += 3, x += a, y += b) {
      if (x >= 0 && y >= 0 && x < lastX && y < lastY) {
        const left = x | 0;
        const top = y | 0;
        const fx = x - left;
        const fy = y - top;
        const p = (Math.imul(top, line) + left + left + left) | 0;
        const q = (p + line) | 0;
        const wd = fx * fy;
        const wb = fx - wd;
        const wc = fy - wd;
        const wa = 1 - fx - wc;
        into[to] = wa * pixels[p]! + wb * pixels[p + 3]! + wc * pixels[q]! + wd * pixels[q + 3]! + 0.5;
        into[to + 1] = wa * pixels[p + 1]! + wb * pixels[p + 4]! + wc * pixels[q + 1]! + wd * pixels[q + 4]! + 0.5;
        into[to + 2] = wa * pixels[p + 2]! + wb * pixels[p + 5]! + wc * pixels[q + 2]! + wd * pixels[q + 5]! + 0.5;
        continue;
      }
      const left = Math.floor(x);
      const top = Math.floor(y);
      if (left < -1 || top < -1 || left >= width || top >= height) {
        into[to] = into[to + 1] = into[to + 2] = 0;
        continue;
      }
      const fx = x - left;
      const fy = y - top;
      // At the edge, pixels outside the raster have weight 0.
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

/** Like drawChip, but bicubic: reads 16 pixels instead of four. */
function drawChipBicubic(
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
  const across = new Float64Array(4);
  const down = new Float64Array(4);
  let to = offset;
  for (let v = 0; v < side; v++) {
    let x = a * 0.5 - b * (v + 0.5) + back.tx * shrink - 0.5;
    let y = b * 0.5 + a * (v + 0.5) + back.ty * shrink - 0.5;
    for (let u = 0; u < side; u++, to += 3, x += a, y += b) {
      const left = Math.floor(x);
      const top = Math.floor(y);
      catmullRom(x - left, across);
      catmullRom(y - top, down);
      let red = 0;
      let green = 0;
      let blue = 0;
      if (left >= 1 && top >= 1 && left + 2 < width && top + 2 < height) {
        const w0 = across[0]!;
        const w1 = across[1]!;
        const w2 = across[2]!;
        const w3 = across[3]!;
        let p = 3 * ((top - 1) * width + left - 1);
        for (let j = 0; j < 4; j++, p += 3 * width) {
          const w = down[j]!;
          red += w * (w0 * pixels[p]! + w1 * pixels[p + 3]! + w2 * pixels[p + 6]! + w3 * pixels[p + 9]!);
          green += w * (w0 * pixels[p + 1]! + w1 * pixels[p + 4]! + w2 * pixels[p + 7]! + w3 * pixels[p + 10]!);
          blue += w * (w0 * pixels[p + 2]! + w1 * pixels[p + 5]! + w2 * pixels[p + 8]! + w3 * pixels[p + 11]!);
        }
        into[to] = byteOf(red);
        into[to + 1] = byteOf(green);
        into[to + 2] = byteOf(blue);
        continue;
      }
      for (let j = 0; j < 4; j++) {
        const row = top + j - 1;
        // Pixels outside the raster have weight 0.
        if (row < 0 || row >= height) continue;
        for (let i = 0; i < 4; i++) {
          const column = left + i - 1;
          if (column < 0 || column >= width) continue;
          const weight = down[j]! * across[i]!;
          const from = 3 * (row * width + column);
          red += weight * pixels[from]!;
          green += weight * pixels[from + 1]!;
          blue += weight * pixels[from + 2]!;
        }
      }
      into[to] = byteOf(red);
      into[to + 1] = byteOf(green);
      into[to + 2] = byteOf(blue);
    }
  }
}

/** Sets the weights of four pixels. The position is `f` (0..1) after the second pixel. Source: Keys 1981, a = -0.5. */
function catmullRom(f: number, weights: Float64Array): void {
  weights[0] = f * (-0.5 + f * (1 - 0.5 * f));
  weights[1] = 1 + f * f * (1.5 * f - 2.5);
  weights[2] = f * (0.5 + f * (2 - 1.5 * f));
  weights[3] = f * f * (0.5 * f - 0.5);
}

/** Next to an edge in the picture, the bicubic sum can leave 0..255. Adds 0.5 because a Uint8Array truncates. */
const byteOf = (value: number): number => (value <= 0 ? 0 : value >= 255 ? 255 : value + 0.5);
