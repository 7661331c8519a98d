import type { Landmarks } from '../domain/face.ts';
import { type Box, boxArea, type Point, type Size } from '../domain/geometry.ts';
import { poseOf } from '../domain/pose.ts';
import { type ChipLight, chipLight, qualityOf } from '../domain/quality.ts';
import type { EmbeddingPurpose, ExtractedFace } from '../ports/extractor.ts';
import { agrees } from './agreement.ts';
import { alignFaces, lightSide } from './align.ts';
import type { DecodedImage } from './decode.ts';
import type { Chips, Detection, Detector, Embedder, FaceLandmarks, Landmarker } from './kinds.ts';
import type { AlignmentName } from './pack.ts';
import { type Pyramid, pyramidOf } from './pyramid.ts';
import { detectTogether } from './second-opinion.ts';

/** The open parts of a pack. */
export interface Parts {
  readonly detector: Detector;
  readonly secondDetector: Detector | null;
  readonly landmarker: Landmarker | null;
  readonly alignment: AlignmentName;
  readonly embedder: Embedder;
}

export interface PipelineOptions {
  readonly embed: boolean;
  readonly purpose: EmbeddingPurpose;
  readonly signal?: AbortSignal | undefined;
}

/** Pixels to faces, biggest first: detect, locate landmarks, align, judge, embed. */
export async function findFaces(
  { raster, scale, facts }: DecodedImage,
  parts: Parts,
  options: PipelineOptions,
): Promise<ExtractedFace[]> {
  const picture = pyramidOf(raster);
  const begun: Begun = new Map();
  const found = await detectAll(picture, parts, begun, options);
  if (found.length === 0) return [];
  const located = await landmarksOf(picture, found, parts.landmarker, begun, options.signal);
  const faces = found
    .map((detection, i) => ({ detection, landmarks: located[i]! }))
    .filter(({ detection, landmarks }) => agrees(detection, landmarks))
    .toSorted((a, b) => boxArea(b.detection.box) - boxArea(a.detection.box));
  const landmarks = faces.map((face) => face.landmarks);
  const early = faces.map(({ detection }) => begunOf(begun, detection)?.embedding);
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

const chipsOf = (picture: Pyramid, faces: readonly FaceLandmarks[], parts: Parts, options: PipelineOptions) =>
  alignFaces(picture, faces, parts.alignment, parts.embedder.side, viewsOf(parts, options), parts.embedder.sampling);

/**
 * Faces of which more is known while a second detector still judges them, by the points of their detections. What was begun of one that
 * is refused was in vain: of sure faces that are few.
 */
type Begun = Map<Landmarks, BegunFace>;
interface BegunFace {
  readonly landmarks: Promise<FaceLandmarks>;
  /** Absent where none is wanted. */
  readonly embedding: Promise<Float32Array> | undefined;
}

const begunOf = (begun: Begun, { landmarks }: Detection): BegunFace | undefined =>
  landmarks ? begun.get(landmarks) : undefined;

function detectAll(picture: Pyramid, parts: Parts, begun: Begun, options: PipelineOptions): Promise<Detection[]> {
  const { detector, secondDetector, landmarker, embedder } = parts;
  const { embed, purpose, signal } = options;
  if (!secondDetector) return detector.detect(picture, { signal });
  const ahead = (face: Detection) => {
    if (!landmarker || !face.landmarks) return;
    const landmarks = landmarker.locate(picture, [face], { signal }).then(([only]) => only!);
    const embedding = async () => {
      const chips = await chipsOf(picture, [await landmarks], parts, options);
      return (await embedder.embed(chips, purpose, { signal }))[0]!;
    };
    const more: BegunFace = { landmarks, embedding: embed ? embedding() : undefined };
    begun.set(face.landmarks, more);
    // Nobody may wait for it: the face may be refused.
    for (const each of [more.landmarks, more.embedding]) each?.catch(() => undefined);
  };
  return detectTogether(picture, detector, secondDetector, { ahead, signal });
}

async function landmarksOf(
  picture: Pyramid,
  detections: readonly Detection[],
  landmarker: Landmarker | null,
  begun: Begun,
  signal?: AbortSignal,
): Promise<FaceLandmarks[]> {
  if (landmarker) {
    const early = detections.map((detection) => begunOf(begun, detection)?.landmarks);
    const late = detections.filter((_, i) => !early[i]);
    return await withEarly(early, landmarker.locate(picture, late, { signal }));
  }
  return detections.map(({ landmarks }) => {
    if (!landmarks) throw new Error('This detector gives no landmarks: its pack needs a landmarker.');
    return { five: landmarks, points68: null };
  });
}

/** Results in order: those begun early, and between them the others, as they come. */
async function withEarly<Result>(
  early: readonly (Promise<Result> | undefined)[],
  others: Promise<readonly Result[]>,
): Promise<Result[]> {
  const [late, ...begun] = await Promise.all([others, ...early]);
  const rest = late[Symbol.iterator]();
  return early.map((result, i) => (result ? (begun[i] as Result) : rest.next().value!));
}

/** Measured on ArcFace's crop, whatever the pack: on the embedder's own chips where they are that. */
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

/** The face in pixels of the photo, to a tenth. */
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
