import type { Calibration } from '../domain/calibration.ts';
import type { CaptureZone } from '../domain/capture-time.ts';
import type { DetectedFace, Location, MeasuredQuality } from '../domain/face.ts';
import type { Size } from '../domain/geometry.ts';
import type { CallOptions } from './tenant.ts';

/** The networks that computed an embedding. Two embeddings can be compared only when their `space` is the same. */
export interface ModelIdentity {
  /** Name of the model pack, e.g. `builtin`. */
  readonly pack: string;
  /**
   * Identifies the embedder, the alignment and the pipeline version, e.g. `dlib-resnet-128.p1`. Never changes;
   * `[a-z0-9.-]{1,64}`.
   */
  readonly space: string;
  /** Number of elements of an embedding. */
  readonly dimension: number;
}

/** A model pack that is ready to use. */
export interface PackDescription extends ModelIdentity {
  readonly calibration: Calibration;
}

/** Properties that are read from the photo itself. */
export interface ImageFacts extends Size {
  /** Detected from the bytes, not from a file name or a header: `jpeg`, `png`, `webp`, `gif`, `avif`, `tiff`, `heic`. */
  readonly format: string;
  readonly contentType: string;
  /** RFC 3339, from EXIF; null when absent or unusable. */
  readonly capturedAt: string | null;
  /** Source of the time's zone; `assumed`: the time is wall-clock time of an unknown zone, written as UTC. null: there is no time. */
  readonly capturedAtZone: CaptureZone | null;
  /** From EXIF GPS; null when absent or unusable. */
  readonly location: Location | null;
}

export interface ExtractedFace extends DetectedFace {
  readonly quality: MeasuredQuality;
  /** Probe or template: `dimension` numbers with L2 norm 1. Absent when `embed` is false. */
  readonly embedding?: Float32Array;
}

export interface Extraction {
  readonly image: ImageFacts;
  readonly model: ModelIdentity;
  /** All faces, largest box first, or the largest faces of a crowd. Empty when no face is found. */
  readonly faces: readonly ExtractedFace[];
  /** Number of smaller faces that were found, but not processed, because a limit was reached. They may contain false detections. */
  readonly facesLeftOut: number;
}

/**
 * The use of an embedding: a `probe` is searched once, a `template` is stored. A pack may spend more time on a template. Both are in
 * the same space.
 */
export type EmbeddingPurpose = 'probe' | 'template';

export interface ExtractOptions extends CallOptions {
  /** Name of the pack; the configured default when absent. An unknown pack is an AppError STRATEGY_UNAVAILABLE. */
  readonly pack?: string | undefined;
  /** false: only detect faces. Default true. */
  readonly embed?: boolean | undefined;
  /** Default `probe`. */
  readonly purpose?: EmbeddingPurpose | undefined;
  /** Called once when the bytes are known to be an image, before the detection. Not called when the call is refused. */
  readonly onDecoded?: (() => void) | undefined;
}

export interface RenderOptions extends CallOptions {
  /**
   * `preview`: at most 1024 px on the longer side. `face`: 320 px square around `box`, with a margin. The result is a
   * JPEG without metadata.
   */
  readonly variant: 'preview' | 'face';
  /** Pixels of the photo. */
  readonly box?: { left: number; top: number; width: number; height: number } | undefined;
}

/** Response header of the function extract-faces with the error code, because a refusal has no body. */
export const errorCodeHeader = 'x-error-code';

/** Cause of an error: the connection to the extractor was cut off during the extraction. The photo may have ended its process. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

/**
 * Finds faces in image bytes. Errors (AppError): EMPTY_IMAGE, UNSUPPORTED_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE,
 * STRATEGY_UNAVAILABLE, BUSY.
 */
export interface Extractor {
  extract(bytes: Uint8Array, options?: ExtractOptions): Promise<Extraction>;
  render(bytes: Uint8Array, options: RenderOptions): Promise<Uint8Array>;
  /** Describes a pack; the default pack when absent. */
  describe(pack?: string, options?: CallOptions): Promise<PackDescription>;
  /** Loads the default pack. Resolves when requests can be served. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
