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
import type { DetectedFace, Landmarks } from '../domain/face.ts';
import { type Box, boxArea, type Point, type Size } from '../domain/geometry.ts';
import { poseOf } from '../domain/pose.ts';
import { chipLight, qualityOf } from '../domain/quality.ts';
import type { ExtractedFace } from '../ports/extractor.ts';
import type { DecodedImage } from './decode.ts';
import type { Chips, Detection, Detector, Embedder, FaceLandmarks, Landmarker } from './kinds.ts';
import type { AlignmentName } from './pack.ts';
import { type Pyramid, pyramidOf } from './pyramid.ts';
import { detectTogether } from './second-opinion.ts';
import { warpChip } from './warp.ts';

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
  readonly signal?: AbortSignal | undefined;
}

/** Pixels to faces, biggest first: detect, locate landmarks, align, judge, embed. */
export async function findFaces(
  { raster, scale, facts }: DecodedImage,
  parts: Parts,
  { embed, signal }: PipelineOptions,
): Promise<ExtractedFace[]> {
  const picture = pyramidOf(raster);
  const detections = (await detectAll(picture, parts, signal)).toSorted((a, b) => boxArea(b.box) - boxArea(a.box));
  if (detections.length === 0) return [];
  const landmarks = await landmarksOf(picture, detections, parts.landmarker, signal);
  const chips = await alignAll(picture, landmarks, parts);
  const embeddings = embed ? await parts.embedder.embed(chips, { signal }) : [];
  return detections.map((detection, i) => {
    const face = describe(detection, landmarks[i]!.five, chips, i, scale, facts);
    const embedding = embeddings[i];
    return embedding ? { ...face, embedding } : face;
  });
}

function detectAll(picture: Pyramid, { detector, secondDetector }: Parts, signal?: AbortSignal): Promise<Detection[]> {
  return secondDetector
    ? detectTogether(picture, detector, secondDetector, { signal })
    : detector.detect(picture, { signal });
}

async function landmarksOf(
  picture: Pyramid,
  detections: readonly Detection[],
  landmarker: Landmarker | null,
  signal?: AbortSignal,
): Promise<FaceLandmarks[]> {
  if (landmarker) return landmarker.locate(picture, detections, { signal });
  return detections.map(({ landmarks }) => {
    if (!landmarks) throw new Error('This detector gives no landmarks: its pack needs a landmarker.');
    return { five: landmarks, points68: null };
  });
}

async function alignAll(picture: Pyramid, landmarks: readonly FaceLandmarks[], parts: Parts): Promise<Chips> {
  const { side } = parts.embedder;
  const pixels = new Uint8Array(3 * side * side * landmarks.length);
  for (const [i, face] of landmarks.entries()) {
    await warpChip(picture, toChip(face, parts.alignment, side), side, pixels, 3 * side * side * i);
  }
  return { pixels, side, count: landmarks.length };
}

/** The transform from raster to chip; a chip of another size than the template's is the same crop, scaled. */
function toChip({ five, points68 }: FaceLandmarks, alignment: AlignmentName, side: number): Similarity {
  const aligned = (template: Template, points: Float64Array) =>
    alignPoints(
      points,
      template.points.map((value) => (value * side) / template.side),
    );
  if (alignment === 'arcface-112') return aligned(arcfaceTemplate, fivePoints(five));
  if (alignment === 'dlib-150-68' && points68) return aligned(dlib68Template, dlib68Points(points68));
  return aligned(dlibFiveTemplate, fivePoints(five));
}

/** The face in pixels of the photo, to a tenth. */
function describe(
  { box, score }: Detection,
  five: Landmarks,
  chips: Chips,
  index: number,
  scale: number,
  photo: Size,
): DetectedFace {
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
  const light = chipLight(chips.pixels, chips.side, 3 * chips.side * chips.side * index);
  const quality = qualityOf({ confidence: score, box: photoBox, landmarks, pose, photo, light });
  return { box: photoBox, confidence: score, landmarks, pose, quality };
}
