import { boxArea, intersectionArea } from '../domain/geometry.ts';
import { suppressOverlaps } from '../domain/non-maximum-suppression.ts';
import { opinions } from '../domain/tuning.ts';
import type { Detection, Detector, KindOptions } from './kinds.ts';
import type { Pyramid } from './pyramid.ts';

/**
 * The faces of a picture by two detectors that judge each other's finds.
 *
 * [Note: Second opinion]
 * Each network imagines faces of its own kind, in foliage, in fabric, in half of a face, and hardly ever the other's. So both
 * propose generously, and every proposal is shown to both once more, alone and at the size they know best; the mean of the two
 * judgements is the face's score. On group photos that leaves one imagined face where the better network's own score
 * leaves eighty, at the same number of faces found. A picture from close range with a sure face is searched by the first, quicker
 * network alone; judging a face costs a tenth of the second's search.
 */
export async function detectTogether(
  picture: Pyramid,
  first: Detector,
  second: Detector,
  options: KindOptions = {},
): Promise<Detection[]> {
  const proposals = await propose(picture, first, second, options);
  const judged = await Promise.all(
    proposals.map(async (face): Promise<Detection> => {
      const [one, other] = await Promise.all([
        judge(first, picture, face, options),
        judge(second, picture, face, options),
      ]);
      const score = ((one?.score ?? 0) + (other?.score ?? 0)) / 2;
      // The first network's points, taken from near by, are better than those of the search.
      return one?.landmarks ? { ...one, score } : { ...face, score };
    }),
  );
  return withoutInner(suppressOverlaps(judged.filter(believed), opinions.overlap));
}

const believed = ({ score }: Detection): boolean => score >= opinions.accepted;

async function propose(
  picture: Pyramid,
  first: Detector,
  second: Detector,
  options: KindOptions,
): Promise<Detection[]> {
  const found = await first.detect(picture, options);
  const { width, height } = picture.raster;
  const sure = found.some(({ score }) => score >= opinions.sure);
  if (sure && Math.max(width, height) <= opinions.closeRange) return found;
  // The first one's finds go first: they have points.
  const others = await second.detect(picture, options);
  const added = others.filter(({ box }) => {
    const same = suppressOverlaps([{ box, score: 2 }, ...found], opinions.overlap);
    return same.length === found.length + 1;
  });
  return [...found, ...added];
}

/** A detector without a judgement of its own stands by what it found. */
async function judge(
  detector: Detector,
  picture: Pyramid,
  face: Detection,
  options: KindOptions,
): Promise<Detection | null> {
  return detector.judge ? detector.judge(picture, face, options) : face;
}

/** Drops the less sure of two faces of which one lies in the other. `faces` come best first. */
function withoutInner(faces: readonly Detection[]): Detection[] {
  const kept: Detection[] = [];
  for (const face of faces) {
    const inside = kept.some(({ box }) => {
      const smaller = Math.min(boxArea(box), boxArea(face.box));
      return intersectionArea(box, face.box) > opinions.inside * smaller;
    });
    if (!inside) kept.push(face);
  }
  return kept;
}
