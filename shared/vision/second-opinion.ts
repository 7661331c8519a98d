import { boxArea, intersectionArea, intersectionOverUnion } from '../domain/geometry.ts';
import { suppressOverlaps } from '../domain/non-maximum-suppression.ts';
import { opinions } from '../domain/tuning.ts';
import { inTurns } from './in-turns.ts';
import type { Detection, Detector, KindOptions } from './kinds.ts';
import type { Pyramid } from './pyramid.ts';

/** Options of `detectTogether`. */
export interface TogetherOptions extends KindOptions {
  /**
   * Called with each confident face of a close-range picture, before the second detector judges it. If the face is accepted, the
   * result has the same `landmarks` object.
   */
  readonly onConfident?: ((face: Detection) => void) | undefined;
}

/**
 * Detects faces with two detectors that judge each other's proposals.
 *
 * Result: each face once, the highest score first, in raster pixels. `score` is the mean of both judgements, 0..1; a detector that
 * returns null counts as 0. Errors: those of the detectors.
 *
 * [Note: Second opinion]
 * Each network makes false detections of its own kind: in foliage, in fabric, in half of a face. The two networks rarely make the
 * same false detection. So both propose faces at a low score. Then each network sees every proposal once more, alone and at the
 * size that the network knows best. The mean of the two judgements is the score of the face. Group photos gave 769 proposals that
 * were no faces: the mean accepts 3 of them. The score of the proposing network accepts 246 of them at the same share of missed
 * faces (4 %). In a close-range picture with a confident face, only the first, faster network searches: to judge a face costs a
 * tenth of a search by the second network.
 */
export async function detectTogether(
  picture: Pyramid,
  first: Detector,
  second: Detector,
  { onConfident, ...options }: TogetherOptions = {},
): Promise<Detection[]> {
  const found = await first.detect(picture, options);
  if (isCloseRange(picture, found)) {
    // The first detector has seen these faces at a good size: its score is its judgement.
    return acceptedOf(
      await inTurns(found, async (face) => {
        // Start the longest work first.
        if (face.score >= opinions.confident) onConfident?.(face);
        return opinionOn(face, face, await judge(second, face));
      }),
    );
  }
  const proposals = addNew(found, await second.detect(picture, options));
  return acceptedOf(
    await inTurns(proposals, async (face) =>
      opinionOn(face, ...(await Promise.all([judge(first, face), judge(second, face)]))),
    ),
  );

  /** A detector without `judge` accepts the face with its score. */
  async function judge(detector: Detector, face: Detection): Promise<Detection | null> {
    return detector.judge ? detector.judge(picture, face, options) : face;
  }
}

function isCloseRange({ raster }: Pyramid, found: readonly Detection[]): boolean {
  return (
    Math.max(raster.width, raster.height) <= opinions.closeRange &&
    found.some(({ score }) => score >= opinions.confident)
  );
}

/** Adds the faces of `others` that overlap no face of `found`. Faces of the first detector have landmarks, so they stay. */
function addNew(found: readonly Detection[], others: readonly Detection[]): Detection[] {
  const isNew = ({ box }: Detection) => found.every((face) => intersectionOverUnion(face.box, box) <= opinions.overlap);
  return [...found, ...others.filter(isNew)];
}

function opinionOn(face: Detection, one: Detection | null, other: Detection | null): Detection {
  const score = ((one?.score ?? 0) + (other?.score ?? 0)) / 2;
  // Landmarks of the first network are better from its judgement, where the face is alone, than from its search.
  return one?.landmarks ? { ...one, score } : { ...face, score };
}

const acceptedOf = (faces: readonly Detection[]): Detection[] =>
  withoutInner(suppressOverlaps(faces.filter(isAccepted), opinions.overlap));

/** Compares the score with `opinions.accepted`, which depends on the size of the face. */
function isAccepted({ box, score }: Detection): boolean {
  const { small, big } = opinions.accepted;
  const size = (Math.max(box.width, box.height) - small.side) / (big.side - small.side);
  return score >= small.score + (big.score - small.score) * Math.min(Math.max(size, 0), 1);
}

/** Drops a face that lies inside a face with a higher score, or around it. `faces` are sorted, the highest score first. */
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
