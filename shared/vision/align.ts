import {
  alignPoints,
  arcfaceTemplate,
  dlib68Points,
  dlib68Template,
  dlibFiveTemplate,
  fivePoints,
  type Similarity,
  type Template,
} from '../domain/alignment.ts';
import { inTurns } from './in-turns.ts';
import type { Chips, FaceLandmarks, View } from './kinds.ts';
import type { AlignmentName } from './pack.ts';
import type { Pyramid } from './pyramid.ts';
import { type Sampling, warpChip } from './warp.ts';

/** Side in pixels of the chip on which brightness and sharpness are measured, the same for every pack. */
export const lightSide = arcfaceTemplate.side;

/**
 * Aligns every face to a template and crops each of its views as a square chip of `side` x `side` pixels.
 *
 * `faces` are in raster pixels of `picture`. The result has `faces.length * views.length` chips; chip `face * views.length + view`
 * is that view of that face. Chips are not mirrored: the embedder does that. Pixels outside the raster are black. `sampling` is
 * bilinear by default. Errors: RangeError when all landmarks of a face coincide.
 */
export async function alignFaces(
  picture: Pyramid,
  faces: readonly FaceLandmarks[],
  alignment: AlignmentName,
  side: number,
  views: readonly Pick<View, 'zoom'>[],
  sampling: Sampling = 'bilinear',
): Promise<Chips> {
  const bytes = 3 * side * side;
  const pixels = new Uint8Array(bytes * faces.length * views.length);
  await inTurns(faces, async (face, i) => {
    const toChip = chipTransform(face, alignment, side);
    for (const [view, { zoom }] of views.entries()) {
      const offset = bytes * (i * views.length + view);
      // The same zoom as the view before, such as for its mirror image: copy that chip.
      if (view > 0 && zoom === views[view - 1]!.zoom) pixels.copyWithin(offset, offset - bytes, offset);
      else await warpChip(picture, zoomed(toChip, zoom, side), side, pixels, { offset, sampling });
    }
  });
  return { pixels, side, count: faces.length * views.length };
}

/** The transform from raster pixels to chip pixels. If `side` is not the side of the template, the same crop is scaled. */
function chipTransform({ five, points68 }: FaceLandmarks, alignment: AlignmentName, side: number): Similarity {
  const aligned = (template: Template, points: Float64Array) =>
    alignPoints(
      points,
      template.points.map((value) => (value * side) / template.side),
    );
  if (alignment === 'arcface-112') return aligned(arcfaceTemplate, fivePoints(five));
  if (alignment === 'dlib-150-68' && points68) return aligned(dlib68Template, dlib68Points(points68));
  return aligned(dlibFiveTemplate, fivePoints(five));
}

/** Enlarges the crop by the factor `zoom` about its centre. */
function zoomed({ a, b, tx, ty }: Similarity, zoom: number, side: number): Similarity {
  const shift = (side / 2) * (1 - zoom);
  return { a: a * zoom, b: b * zoom, tx: tx * zoom + shift, ty: ty * zoom + shift };
}
