import { intersectionOverUnion, type Size } from '../domain/geometry.ts';
import { suppressOverlaps } from '../domain/non-maximum-suppression.ts';
import { looks } from '../domain/tuning.ts';
import { inTurns } from './in-turns.ts';
import type { Detection } from './kinds.ts';
import { alone, type Placement, wholePicture } from './letterbox.ts';
import type { Pyramid } from './pyramid.ts';

/** A detector that takes inputs of any size. */
export interface Looker {
  /** Input sides must be a multiple of this. */
  readonly multiple: number;
  /** Score from which a face needs no second look. */
  readonly confident: number;
  readonly overlapLimit: number;
  /** Runs the network once on the picture placed into an input of `size`; overlaps already suppressed. */
  look(size: Size, placement: Placement, minimumScore: number): Promise<Detection[]>;
}

/**
 * Finds the faces of a picture with as few and small network runs as its content needs.
 *
 * [Note: Looks]
 * The input's size decides what a detection costs: 5 ms at 256 x 256, 30 at 640 x 640, 110 at 1280 x 1280. So the first look is
 * at 640 px at the most, and never enlarges an ordinary photo. What it sees decides what follows: faces of a few pixels, or
 * none at all, ask for a closer look; none at all also asks for one from further away, for a face that fills the picture;
 * and a doubtful face is looked at once more by itself, at the size the network knows best.
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
  // Enlarging shows nothing where nothing was seen, and makes no template of a few pixels in a small picture.
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

/** All of the picture, in its middle: a face at the edge has room on every side. */
function lookAtAll(picture: Pyramid, { look, multiple }: Looker, scale: number): Promise<Detection[]> {
  const side = scale * Math.max(picture.raster.width, picture.raster.height);
  const { size, placement } = wholePicture(picture.raster, { side, room: 1, multiple, maxEnlargement: scale });
  return look(size, placement, looks.candidate);
}

/** The face once more, alone and at a good size: its score becomes the mean of both. */
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
