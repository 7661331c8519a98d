import type { Landmarks } from '../domain/face.ts';
import type { Box } from '../domain/geometry.ts';
import type { EmbeddingPurpose } from '../ports/extractor.ts';
import type { Network } from './network.ts';
import type { Pyramid } from './pyramid.ts';
import type { Sampling } from './warp.ts';

/**
 * The interfaces of a network family, called a kind. Each kind is one file in detectors/, landmarkers/ or embedders/ and one line in
 * registry.ts. The pack names the kind, its model file and its options.
 *
 * Frame of reference of all boxes and points in this folder: pixels of the raster (level 0 of the pyramid), x to the right, y
 * downwards, the centre of the top left pixel at (0.5, 0.5). The pipeline converts them to pixels of the upright photo. Use
 * `letterbox` to draw the input of a detector and `warpChip` to crop a face: both sample from the pyramid without aliasing.
 */

/** A face that a detector found. */
export interface Detection {
  /** From brow to chin and from ear to ear; the margin depends on the network. Can reach over the edge of the raster. */
  readonly box: Box;
  /** Confidence of the network that this is a face, 0..1. */
  readonly score: number;
  /** null when the network has no landmarks. Then the pack needs a landmarker. */
  readonly landmarks: Landmarks | null;
}

/** A detection by a network that also returns landmarks. */
export interface FoundFace extends Detection {
  readonly landmarks: Landmarks;
}

/** Options of one call of a detector, landmarker or embedder. */
export interface KindOptions {
  /** Rejects with its reason before the next network run. */
  readonly signal?: AbortSignal | undefined;
}

/** Finds faces. Errors of its methods: those of Network, and Error when the network lacks an output. */
export interface Detector {
  /**
   * Returns each face once (overlaps suppressed), in no particular order. It can run the network at several scales, to find very small
   * faces and a face that fills the picture. Faces with a low score are included: the caller decides by the score.
   */
  detect(picture: Pyramid, options?: KindOptions): Promise<Detection[]>;
  /**
   * Runs the network on one face alone, at the face size that the network knows best. Returns the detection that overlaps `face`, or
   * null when the network sees no face there. With two detectors in a pack, each judges the faces of both. See: [Note: Second opinion]
   */
  judge?(picture: Pyramid, face: Detection, options?: KindOptions): Promise<Detection | null>;
}

/** Landmarks of one face. */
export interface FaceLandmarks {
  readonly five: Landmarks;
  /** The 68 points of the iBUG 300-W scheme: 136 numbers, x and y in turn. null when the network has only five points. */
  readonly points68: Float32Array | null;
}

/** Locates landmarks more exactly than a detector. */
export interface Landmarker {
  /** Returns one result for each detection, in their order. Errors: those of Network; Error when the output has another size. */
  locate(picture: Pyramid, detections: readonly Detection[], options?: KindOptions): Promise<FaceLandmarks[]>;
}

/** One of the crops of a face whose embeddings an embedder adds up. */
export interface View {
  /** 1 is the crop of the alignment template. A greater zoom shows less around the face. */
  readonly zoom: number;
  readonly mirrored: boolean;
}

/** Aligned square crops, one after another. Each has `3 * side * side` bytes: 8-bit RGB, interleaved, rows from top to bottom. */
export interface Chips {
  readonly pixels: Uint8Array;
  /** In pixels. */
  readonly side: number;
  readonly count: number;
}

/** Computes embeddings of aligned faces. */
export interface Embedder {
  /** Side of its square chips in pixels. */
  readonly side: number;
  /** Length of an embedding. */
  readonly dimension: number;
  /** Interpolation for its chips. */
  readonly sampling: Sampling;
  /** The crops that it needs of each face. */
  readonly views: Readonly<Record<EmbeddingPurpose, readonly View[]>>;
  /**
   * Returns one embedding for each face, with an L2 norm of 1. `chips` contains all views of the first face, then of the next, in the
   * order of `views[purpose]` and not mirrored. Errors: those of Network; Error when the output has another size.
   */
  embed(chips: Chips, purpose: EmbeddingPurpose, options?: KindOptions): Promise<Float32Array[]>;
}

/** Input of the functions that open a kind. */
export interface KindInput {
  readonly network: Network;
  /** Options from the pack. The kind checks them with a strict zod schema: an unknown key is an error. */
  readonly options: unknown;
}
/** Opens a detector. Errors: ZodError when an option is wrong. */
export type OpenDetector = (input: KindInput) => Detector;
/** Opens a landmarker. Errors: ZodError when an option is wrong. */
export type OpenLandmarker = (input: KindInput) => Landmarker;
/** Opens an embedder. `dimension` is the length of an embedding. Errors: ZodError when an option is wrong. */
export type OpenEmbedder = (input: KindInput & { readonly dimension: number }) => Embedder;
