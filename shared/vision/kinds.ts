import type { Landmarks } from '../domain/face.ts';
import type { Box } from '../domain/geometry.ts';
import type { EmbeddingPurpose } from '../ports/extractor.ts';
import type { Network } from './network.ts';
import type { Pyramid } from './pyramid.ts';
import type { Sampling } from './warp.ts';

/**
 * What a network family must do to take part. Each kind is one file under detectors/, landmarkers/ or embedders/ and one
 * line in registry.ts; which files and options it gets stands in the pack.
 *
 * Frame of reference everywhere in this folder: pixels of the picture's raster (level 0 of the pyramid), x to the right, y downwards, the centre of
 * the top left pixel at (0.5, 0.5). The pipeline turns them into pixels of the upright photo. `letterbox` and `warpChip` sample from
 * a pyramid without aliasing, for detector inputs and for crops around a face.
 */

/** A face a detector is sure or unsure about. */
export interface Detection {
  /** Around brow, chin and ears, as the network draws it; may reach over the raster's edge. */
  readonly box: Box;
  /** 0..1 */
  readonly score: number;
  /** null: the network gives none, and the pack has a landmarker. */
  readonly landmarks: Landmarks | null;
}

/** A detection by a network that gives landmarks itself. */
export interface FoundFace extends Detection {
  readonly landmarks: Landmarks;
}

export interface KindOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface Detector {
  /**
   * Every face once (overlaps already suppressed), in no particular order, including those the network sees only at a
   * second look (too small, or filling the picture). Detections the caller's gate may still refuse are welcome: the score tells.
   */
  detect(picture: Pyramid, options?: KindOptions): Promise<Detection[]>;
  /**
   * What the network makes of one face when it sees it alone, at the size it knows best; null when it sees none there. Of the
   * two detectors of a pack each judges what either found. See: [Note: Second opinion]
   */
  judge?(picture: Pyramid, face: Detection, options?: KindOptions): Promise<Detection | null>;
}

/** Landmarks of one face. */
export interface FaceLandmarks {
  readonly five: Landmarks;
  /** The 68 points of the iBUG 300-W scheme as x, y pairs; null when the network gives only five. */
  readonly points68: Float32Array | null;
}

export interface Landmarker {
  /** One answer for each detection, in their order. */
  locate(picture: Pyramid, detections: readonly Detection[], options?: KindOptions): Promise<FaceLandmarks[]>;
}

/** One of the crops of a face that an embedder averages over. */
export interface View {
  /** 1 is the template's own crop; more shows less around the face. */
  readonly zoom: number;
  readonly mirrored: boolean;
}

/** Aligned faces, one after another, each `3 * side * side` bytes: 8-bit RGB, interleaved. */
export interface Chips {
  readonly pixels: Uint8Array;
  readonly side: number;
  readonly count: number;
}

export interface Embedder {
  /** Side of the square chip in pixels. */
  readonly side: number;
  readonly dimension: number;
  /** How its chips are to be drawn. */
  readonly sampling: Sampling;
  /** Crops it wants of each face. */
  readonly views: Readonly<Record<EmbeddingPurpose, readonly View[]>>;
  /** One embedding of unit L2 norm for each face. `chips` holds every face's views for `purpose`, not mirrored, in their order. */
  embed(chips: Chips, purpose: EmbeddingPurpose, options?: KindOptions): Promise<Float32Array[]>;
}

/** What a kind is made from: its own network, opened and checked, and the pack's options for it. */
export interface KindInput {
  readonly network: Network;
  /** Checked by the kind itself with a strict zod schema; unknown keys are an error. */
  readonly options: unknown;
}
export type OpenDetector = (input: KindInput) => Detector;
export type OpenLandmarker = (input: KindInput) => Landmarker;
export type OpenEmbedder = (input: KindInput & { readonly dimension: number }) => Embedder;
