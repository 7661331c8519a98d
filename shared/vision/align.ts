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

/** Side of the chips that light and sharpness are measured on, the same for every pack. */
export const lightSide = arcfaceTemplate.side;

/** Every view of every face, in the order of `views` face by face. */
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
      // The mirror image is made of the same crop.
      if (view > 0 && zoom === views[view - 1]!.zoom) pixels.copyWithin(offset, offset - bytes, offset);
      else await warpChip(picture, zoomed(toChip, zoom, side), side, pixels, { offset, sampling });
    }
  });
  return { pixels, side, count: faces.length * views.length };
}

/** The transform from raster to chip; a chip of another size than the template's is the same crop, scaled. */
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

/** The same crop enlarged about its middle. */
function zoomed({ a, b, tx, ty }: Similarity, zoom: number, side: number): Similarity {
  const shift = (side / 2) * (1 - zoom);
  return { a: a * zoom, b: b * zoom, tx: tx * zoom + shift, ty: ty * zoom + shift };
}
