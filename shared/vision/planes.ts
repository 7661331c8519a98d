import type { ChannelTables } from './letterbox.ts';

/**
 * Writes a square of `side` x `side` interleaved RGB pixels as three normalised planes. It reads from index `from` of `pixels` and
 * writes to `out` from index `to`: 3 x side x side numbers, the planes in RGB or BGR order, mirrored left to right if `mirrored`.
 *
 * [Note: Pixel loops outside async functions]
 * Loops over pixels are in plain functions, not in async functions. V8 never optimised this loop while it was inside an async
 * function, and it took ten times as long.
 */
export function fillPlanes(
  { pixels, from, side }: { readonly pixels: Uint8Array; readonly from: number; readonly side: number },
  { red, green, blue }: ChannelTables,
  { bgr, mirrored }: { readonly bgr: boolean; readonly mirrored: boolean },
  out: Float32Array,
  to: number,
): void {
  const plane = side * side;
  const redPlane = to + (bgr ? 2 * plane : 0);
  const greenPlane = to + plane;
  const bluePlane = to + (bgr ? 0 : 2 * plane);
  const step = mirrored ? -1 : 1;
  let source = from;
  for (let y = 0; y < side; y++) {
    let at = y * side + (mirrored ? side - 1 : 0);
    for (let x = 0; x < side; x++, source += 3, at += step) {
      out[redPlane + at] = red[pixels[source]!]!;
      out[greenPlane + at] = green[pixels[source + 1]!]!;
      out[bluePlane + at] = blue[pixels[source + 2]!]!;
    }
  }
}
