import type { Landmarks } from '../domain/face.ts';
import { type Box, boxArea, type Point, type Size } from '../domain/geometry.ts';
import { poseOf } from '../domain/pose.ts';
import { type ChipLight, chipLight, qualityOf } from '../domain/quality.ts';
import { crowds } from '../domain/tuning.ts';
import type { EmbeddingPurpose, ExtractedFace } from '../ports/extractor.ts';
import { agrees } from './agreement.ts';
import { alignFaces, lightSide } from './align.ts';
import type { DecodedImage } from './decode.ts';
import type { Chips, Detection, Detector, Embedder, FaceLandmarks, Landmarker } from './kinds.ts';
import type { AlignmentName } from './pack.ts';
import { type Pyramid, pyramidOf } from './pyramid.ts';
import { detectTogether } from './second-opinion.ts';

/** The opened networks of a model pack, and the alignment that its embedder was trained with. */
export interface Parts {
  readonly detector: Detector;
  /** Searches for more faces and judges all of them. null: the first detector decides alone. See: [Note: Second opinion] */
  readonly secondDetector: Detector | null;
  /** null: the pipeline uses the five landmarks of the detector. */
  readonly landmarker: Landmarker | null;
  /** Name of the template to which the landmarks of a face are aligned. */
  readonly alignment: AlignmentName;
  readonly embedder: Embedder;
}

/** Options of `findFaces`. */
export interface PipelineOptions {
  /** false: the embedder does not run, and the faces have no `embedding`. */
  readonly embed: boolean;
  /** Selects the views of a face that the embedder uses. A template can use more views than a probe. */
  readonly purpose: EmbeddingPurpose;
  /** Stops the work before the next network run. A run that has started is not interrupted. */
  readonly signal?: AbortSignal | undefined;
  /** A clock in milliseconds, for tests. Default: `performance.now`. */
  readonly now?: (() => number) | undefined;
}

/** Result of `findFaces`. */
export interface FoundFaces {
  readonly faces: ExtractedFace[];
  /** Number of detections that were not processed, because a limit of `crowds` was reached. All are smaller than the faces. */
  readonly leftOut: number;
}

/**
 * Finds the faces of a photo. The steps: detect, locate landmarks, drop false detections, align, measure pose and quality, embed.
 *
 * Input: a decoded image, its raster at most 2048 pixels on the longer side. All networks work on the raster.
 *
 * Result: in `faces` one entry for each face, the largest box first; none when the photo shows no face. Boxes and landmarks are in
 * pixels of the upright photo (EXIF orientation applied), rounded to 0.1. The origin is the top left corner, x grows to the right,
 * y downwards. A box can reach over the edge of the photo. `confidence` and `quality.score` are 0..1, the angles of `pose` are in
 * degrees. `embedding` has `embedder.dimension` numbers and an L2 norm of 1.
 *
 * [Note: A crowd ends in time]
 * A photo of a crowd has hundreds of faces, and each costs several network runs. So that a call ends before its time limit, the faces are
 * processed in groups, the biggest first, until all are done or a limit of `crowds` is reached. The result says how many are left. The
 * first group always runs. The order does not depend on the time, so a face has the same rank, and so the same id, in every call.
 *
 * Errors: the reason of the signal when it aborts; Error when neither the detector nor a landmarker returns landmarks; RangeError
 * when all landmarks of a face coincide; the errors of the networks. See: Network
 */
export async function findFaces(
  { raster, scale, facts }: DecodedImage,
  parts: Parts,
  options: PipelineOptions,
): Promise<FoundFaces> {
  const { now = () => performance.now() } = options;
  const begun = now();
  const picture = pyramidOf(raster);
  const earlyFaces: EarlyFaces = new Map();
  const found = await detectAll(picture, parts, earlyFaces, options);
  const biggest = found.toSorted((a, b) => boxArea(b.box) - boxArea(a.box)).slice(0, crowds.faces);
  const faces: ExtractedFace[] = [];
  let processed = 0;
  while (processed < biggest.length && (processed === 0 || now() - begun < crowds.milliseconds)) {
    const group = biggest.slice(processed, processed + crowds.group);
    faces.push(...(await processFaces(group, { picture, scale, facts, earlyFaces }, parts, options)));
    processed += group.length;
  }
  return { faces, leftOut: found.length - processed };
}

interface Photo extends Pick<DecodedImage, 'scale' | 'facts'> {
  readonly picture: Pyramid;
  readonly earlyFaces: EarlyFaces;
}

/** Drops the false detections of a group. Returns the faces in the order of the detections. */
async function processFaces(
  detections: readonly Detection[],
  { picture, scale, facts, earlyFaces }: Photo,
  parts: Parts,
  options: PipelineOptions,
): Promise<ExtractedFace[]> {
  const located = await landmarksOf(picture, detections, parts.landmarker, earlyFaces, options.signal);
  const faces = detections
    .map((detection, i) => ({ detection, landmarks: located[i]! }))
    .filter(({ detection, landmarks }) => agrees(detection, landmarks));
  const landmarks = faces.map((face) => face.landmarks);
  const early = faces.map(({ detection }) => earlyFaceOf(earlyFaces, detection)?.embedding);
  const late = landmarks.filter((_, i) => !early[i]);
  const chips = options.embed ? await chipsOf(picture, late, parts, options) : null;
  const ownChips = chips && parts.alignment === 'arcface-112' && late.length === faces.length;
  const [embeddings, lights] = await Promise.all([
    chips ? withEarly(early, parts.embedder.embed(chips, options.purpose, options)) : [],
    lightsOf(picture, landmarks, ownChips ? { chips, perFace: viewsOf(parts, options).length } : null),
  ]);
  return faces.map(({ detection, landmarks: { five } }, i) => {
    const face = describe(detection, five, lights[i]!, scale, facts);
    return embeddings[i] ? { ...face, embedding: embeddings[i] } : face;
  });
}

const viewsOf = ({ embedder }: Parts, { purpose }: PipelineOptions) => embedder.views[purpose];

/** Crops the views that the embedder uses, for each face. */
const chipsOf = (picture: Pyramid, faces: readonly FaceLandmarks[], parts: Parts, options: PipelineOptions) =>
  alignFaces(picture, faces, parts.alignment, parts.embedder.side, viewsOf(parts, options), parts.embedder.sampling);

/**
 * Work that starts while the second detector still judges a face. The key is the `landmarks` object of the detection. Work on a face
 * that is rejected later is wasted; this is rare for confident faces.
 */
type EarlyFaces = Map<Landmarks, EarlyFace>;
interface EarlyFace {
  readonly landmarks: Promise<FaceLandmarks>;
  /** undefined when `embed` is false. */
  readonly embedding: Promise<Float32Array> | undefined;
}

const earlyFaceOf = (earlyFaces: EarlyFaces, { landmarks }: Detection): EarlyFace | undefined =>
  landmarks ? earlyFaces.get(landmarks) : undefined;

/** Detects all faces, in raster pixels and in no particular order. Adds to `earlyFaces` the work that it starts early. */
function detectAll(
  picture: Pyramid,
  parts: Parts,
  earlyFaces: EarlyFaces,
  options: PipelineOptions,
): Promise<Detection[]> {
  const { detector, secondDetector, landmarker, embedder } = parts;
  const { embed, purpose, signal } = options;
  if (!secondDetector) return detector.detect(picture, { signal });
  const onConfident = (face: Detection) => {
    if (!landmarker || !face.landmarks) return;
    const landmarks = landmarker.locate(picture, [face], { signal }).then(([only]) => only!);
    const embedding = async () => {
      const chips = await chipsOf(picture, [await landmarks], parts, options);
      return (await embedder.embed(chips, purpose, { signal }))[0]!;
    };
    const early: EarlyFace = { landmarks, embedding: embed ? embedding() : undefined };
    earlyFaces.set(face.landmarks, early);
    // The face may be rejected; then the pipeline never awaits these promises, and an error must not be an unhandled rejection.
    for (const each of [early.landmarks, early.embedding]) each?.catch(() => undefined);
  };
  return detectTogether(picture, detector, secondDetector, { onConfident, signal });
}

/** Landmarks of each detection, in their order and in raster pixels. */
async function landmarksOf(
  picture: Pyramid,
  detections: readonly Detection[],
  landmarker: Landmarker | null,
  earlyFaces: EarlyFaces,
  signal?: AbortSignal,
): Promise<FaceLandmarks[]> {
  if (landmarker) {
    const early = detections.map((detection) => earlyFaceOf(earlyFaces, detection)?.landmarks);
    const late = detections.filter((_, i) => !early[i]);
    return await withEarly(early, landmarker.locate(picture, late, { signal }));
  }
  return detections.map(({ landmarks }) => {
    if (!landmarks) throw new Error('The detector returns no landmarks. Add a landmarker to the model pack.');
    return { five: landmarks, points68: null };
  });
}

/** Merges early and late results. `early[i]` is the result of face `i`; `others` has the results of the other faces, in their order. */
async function withEarly<Result>(
  early: readonly (Promise<Result> | undefined)[],
  others: Promise<readonly Result[]>,
): Promise<Result[]> {
  const [late, ...done] = await Promise.all([others, ...early]);
  const rest = late[Symbol.iterator]();
  return early.map((result, i) => (result ? (done[i] as Result) : rest.next().value!));
}

/**
 * Measures brightness and sharpness of each face on its ArcFace crop, for every pack. Uses the chips of the embedder when they are
 * that crop: the first of `perFace` chips of each face.
 */
async function lightsOf(
  picture: Pyramid,
  landmarks: readonly FaceLandmarks[],
  aligned: { readonly chips: Chips; readonly perFace: number } | null,
): Promise<ChipLight[]> {
  const usable = aligned?.chips.side === lightSide ? aligned : null;
  const chips = usable?.chips ?? (await alignFaces(picture, landmarks, 'arcface-112', lightSide, [{ zoom: 1 }]));
  const bytes = 3 * lightSide * lightSide * (usable?.perFace ?? 1);
  return landmarks.map((_, i) => chipLight(chips.pixels, lightSide, bytes * i));
}

/** Converts a face from raster pixels to pixels of the photo, rounded to 0.1. `scale` is raster pixels per photo pixel. */
function describe(
  { box, score }: Detection,
  five: Landmarks,
  light: ChipLight,
  scale: number,
  photo: Size,
): ExtractedFace {
  const inPhoto = (value: number) => Math.round((value / scale) * 10) / 10;
  const point = ({ x, y }: Point): Point => ({ x: inPhoto(x), y: inPhoto(y) });
  const photoBox: Box = {
    left: inPhoto(box.left),
    top: inPhoto(box.top),
    width: inPhoto(box.width),
    height: inPhoto(box.height),
  };
  const landmarks: Landmarks = {
    left_eye: point(five.left_eye),
    right_eye: point(five.right_eye),
    nose: point(five.nose),
    mouth_left: point(five.mouth_left),
    mouth_right: point(five.mouth_right),
  };
  const pose = poseOf(five);
  const quality = qualityOf({ confidence: score, box: photoBox, landmarks, pose, photo, light });
  return { box: photoBox, confidence: score, landmarks, pose, quality };
}
