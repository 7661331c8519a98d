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
  { embed, purpose, signal }: PipelineOptions,
): Promise<ExtractedFace[]> {
  const picture = pyramidOf(raster);
  const begun: Begun = new Map();
  const found = await detectAll(picture, parts, begun, signal);
  if (found.length === 0) return [];
  const located = await landmarksOf(picture, found, parts.landmarker, begun, signal);
  const faces = found
    .map((detection, i) => ({ detection, landmarks: located[i]! }))
    .filter(({ detection, landmarks }) => agrees(detection, landmarks))
    .toSorted((a, b) => boxArea(b.detection.box) - boxArea(a.detection.box));
  const landmarks = faces.map((face) => face.landmarks);
  const { embedder, alignment } = parts;
  const views = embedder.views[purpose];
  const chips = embed ? await alignFaces(picture, landmarks, alignment, embedder.side, views, embedder.sampling) : null;
  const [embeddings, lights] = await Promise.all([
    chips ? embedder.embed(chips, purpose, { signal }) : [],
    lightsOf(picture, landmarks, chips && alignment === 'arcface-112' ? { chips, perFace: views.length } : null),
  ]);
  return faces.map(({ detection, landmarks: { five } }, i) => {
    const face = describe(detection, five, lights[i]!, scale, facts);
    return embeddings[i] ? { ...face, embedding: embeddings[i] } : face;
  });
}

/** Landmarks that are being located while a second detector still judges the face, by the points of its detection. */
type Begun = Map<Landmarks, Promise<FaceLandmarks[]>>;

function detectAll(
  picture: Pyramid,
  { detector, secondDetector, landmarker }: Parts,
  begun: Begun,
  signal?: AbortSignal,
): Promise<Detection[]> {
  if (!secondDetector) return detector.detect(picture, { signal });
  const ahead = (face: Detection) => {
    if (!landmarker || !face.landmarks) return;
    const locating = landmarker.locate(picture, [face], { signal });
    begun.set(face.landmarks, locating);
    // Nobody may wait for it: the face may be refused.
    locating.catch(() => undefined);
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
    const early = detections.map(({ landmarks }) => landmarks && begun.get(landmarks));
    const late = landmarker.locate(
      picture,
      detections.filter((_, i) => !early[i]),
      { signal },
    );
    const located = await Promise.all([late, ...early]);
    const rest = located[0]![Symbol.iterator]();
    return early.map((found, i) => (found ? located[i + 1]![0]! : rest.next().value!));
  }
  return detections.map(({ landmarks }) => {
    if (!landmarks) throw new Error('This detector gives no landmarks: its pack needs a landmarker.');
    return { five: landmarks, points68: null };
  });
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
