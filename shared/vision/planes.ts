import type { ChannelTables } from './letterbox.ts';

/**
 * Writes a square of interleaved RGB pixels (from byte `from`) as three normalised planes into `out` (from `to`), mirrored or as
 * it is.
 *
 * [Note: Loops stand in functions of their own]
 * The loops over pixels are plain functions rather than parts of async ones: V8 left this one, inside an async function,
 * unoptimised for good, at ten times its cost.
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
