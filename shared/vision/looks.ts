import { intersectionOverUnion, type Size } from '../domain/geometry.ts';
import { suppressOverlaps } from '../domain/non-maximum-suppression.ts';
import { looks } from '../domain/tuning.ts';
import { inTurns } from './in-turns.ts';
import type { Detection } from './kinds.ts';
import { alone, type Placement, wholePicture } from './letterbox.ts';
import type { Pyramid } from './pyramid.ts';

/** A detector whose network accepts inputs of any size. A look is one run of that network at one scale. */
export interface Looker {
  /** The sides of the input must be a multiple of this. */
  readonly multiple: number;
  /** A face with at least this score needs no second look. */
  readonly confident: number;
  /** Intersection over union above which two detections are the same face. */
  readonly overlapLimit: number;
  /** Runs the network once on the picture, placed into an input of `size`. Overlaps in the result are suppressed. */
  look(size: Size, placement: Placement, minimumScore: number): Promise<Detection[]>;
}

/**
 * Finds the faces of a picture with as few and as small network runs as possible. Each face has a score of at least
 * `looks.accepted`; the highest score comes first. Errors: those of `look`.
 *
 * [Note: Looks]
 * The size of the input decides the cost of a look: 5 ms at 256 x 256, 30 ms at 640 x 640, 110 ms at 1280 x 1280. So the first look
 * is at 640 px or less, and never enlarges an ordinary photo. Its result decides the next looks:
 * - No confident face: a second look at half the scale finds a face that fills the picture.
 * - No face, or a face of a few pixels: a closer look at a larger scale.
 * - A doubtful face: one more look at that face alone, at the size that the network knows best.
 */
export async function lookTwice(picture: Pyramid, looker: Looker): Promise<Detection[]> {
  const { width, height } = picture.raster;
  const longer = Math.max(width, height);
  const base = Math.min(looks.firstSide / longer, longer < looks.enlargeBelow ? looks.enlargeBelow / longer : 1);
  let found = await lookAtAll(picture, looker, base);
  if (!found.some((face) => face.score >= looker.confident)) {
    found = merge([...found, ...(await lookAtAll(picture, looker, base / 2))], looker);
  }
  const smallest = Math.min(...found.map((face) => Math.min(face.box.width, face.box.height) * base));
  // Do not enlarge when no face was found, or when the picture is so small that its faces are useless as templates.
  const enlargement = found.length > 0 && longer >= looks.enlargeCloserFrom ? looks.closerEnlargement : 1;
  const closer = Math.min(looks.closerSide / longer, enlargement);
  if (closer > base * 1.2 && (found.length === 0 || smallest < looks.smallFace)) {
    found = merge([...found, ...(await lookAtAll(picture, looker, closer))], looker);
  }
  const verified = await inTurns(found, async (face) =>
    face.score >= looker.confident ? face : await verify(face, looker),
  );
  return merge(
    verified.filter((face) => face.score >= looks.accepted),
    looker,
  );
}

/** Looks at the whole picture, in the centre of the input. */
function lookAtAll(picture: Pyramid, { look, multiple }: Looker, scale: number): Promise<Detection[]> {
  const side = scale * Math.max(picture.raster.width, picture.raster.height);
  const { size, placement } = wholePicture(picture.raster, { side, room: 1, multiple, maxEnlargement: scale });
  return look(size, placement, looks.candidate);
}

/** Looks at the face once more, alone and at a good size. The new score is the mean of both looks; no second detection counts as 0. */
async function verify(face: Detection, { look, multiple, overlapLimit }: Looker): Promise<Detection> {
  const side = Math.ceil(looks.verifySide / multiple) * multiple;
  const { size, placement } = alone(face.box, side, looks.verifyFace);
  const seen = await look(size, placement, looks.verifyCandidate);
  const again = seen
    .filter(({ box }) => intersectionOverUnion(box, face.box) > overlapLimit)
    .toSorted((a, b) => b.score - a.score)[0];
  const score = (face.score + (again?.score ?? 0)) / 2;
  return again && again.score > face.score ? { ...again, score } : { ...face, score };
}

const merge = (faces: readonly Detection[], { overlapLimit }: Looker) => suppressOverlaps(faces, overlapLimit);
