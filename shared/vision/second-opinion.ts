import { boxArea, intersectionArea, intersectionOverUnion } from '../domain/geometry.ts';
import { suppressOverlaps } from '../domain/non-maximum-suppression.ts';
import { opinions } from '../domain/tuning.ts';
import { inTurns } from './in-turns.ts';
import type { Detection, Detector, KindOptions } from './kinds.ts';
import type { Pyramid } from './pyramid.ts';

export interface TogetherOptions extends KindOptions {
  /** Told of a sure face of a close range while it is still judged: its `landmarks` are those of the answer, the same object. */
  readonly ahead?: ((face: Detection) => void) | undefined;
}

/**
 * The faces of a picture by two detectors that judge each other's finds.
 *
 * [Note: Second opinion]
 * Each network imagines faces of its own kind, in foliage, in fabric, in half of a face, and hardly ever the other's. So both
 * propose generously, and every proposal is shown to both once more, alone and at the size they know best; the mean of the two
 * judgements is the face's score. Of 769 proposals on group photos that were no faces, 3 are believed that way; the proposing
 * network's own score lets through 246 of them at the same share of faces missed (4 %). A picture from close range
 * with a sure face is searched by the first, quicker network alone: judging a face costs a tenth of the second's search.
 */
export async function detectTogether(
  picture: Pyramid,
  first: Detector,
  second: Detector,
  { ahead, ...options }: TogetherOptions = {},
): Promise<Detection[]> {
  const found = await first.detect(picture, options);
  if (isCloseRange(picture, found)) {
    // The first has seen these faces at a good size already: its score is its judgement.
    return believedOf(
      await inTurns(found, async (face) => {
        // What takes longest begins first.
        if (face.score >= opinions.sure) ahead?.(face);
        return opinionOn(face, face, await judge(second, face));
      }),
    );
  }
  const proposals = addNew(found, await second.detect(picture, options));
  return believedOf(
    await inTurns(proposals, async (face) =>
      opinionOn(face, ...(await Promise.all([judge(first, face), judge(second, face)]))),
    ),
  );

  /** A detector without a judgement of its own stands by what it found. */
  async function judge(detector: Detector, face: Detection): Promise<Detection | null> {
    return detector.judge ? detector.judge(picture, face, options) : face;
  }
}

function isCloseRange({ raster }: Pyramid, found: readonly Detection[]): boolean {
  return (
    Math.max(raster.width, raster.height) <= opinions.closeRange && found.some(({ score }) => score >= opinions.sure)
  );
}

/** The first one's finds stay as they are: they have points. */
function addNew(found: readonly Detection[], others: readonly Detection[]): Detection[] {
  const isNew = ({ box }: Detection) => found.every((face) => intersectionOverUnion(face.box, box) <= opinions.overlap);
  return [...found, ...others.filter(isNew)];
}

function opinionOn(face: Detection, one: Detection | null, other: Detection | null): Detection {
  const score = ((one?.score ?? 0) + (other?.score ?? 0)) / 2;
  // The first network's points, taken from near by, are better than those of the search.
  return one?.landmarks ? { ...one, score } : { ...face, score };
}

const believedOf = (faces: readonly Detection[]): Detection[] =>
  withoutInner(suppressOverlaps(faces.filter(believed), opinions.overlap));

function believed({ box, score }: Detection): boolean {
  const { small, big } = opinions.accepted;
  const size = (Math.max(box.width, box.height) - small.side) / (big.side - small.side);
  return score >= small.score + (big.score - small.score) * Math.min(Math.max(size, 0), 1);
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
