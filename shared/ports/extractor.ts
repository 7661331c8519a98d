import type { Calibration } from '../domain/calibration.ts';
import type { DetectedFace, Location, MeasuredQuality } from '../domain/face.ts';
import type { Size } from '../domain/geometry.ts';
import type { CallOptions } from './tenant.ts';

/** Which networks made an embedding. Embeddings meet only when `space` is the same. */
export interface ModelIdentity {
  /** Name of the model pack, e.g. `builtin`. */
  readonly pack: string;
  /** Identifies embedder, alignment and pipeline version, e.g. `dlib-resnet-128.p1`; stable, `[a-z0-9.-]{1,64}`. */
  readonly space: string;
  /** Length of an embedding. */
  readonly dimension: number;
}

/** A model pack ready to use. */
export interface PackDescription extends ModelIdentity {
  readonly calibration: Calibration;
}

/** What a photo says about itself. */
export interface ImageFacts extends Size {
  /** Detected from the bytes, never from a name or a header: `jpeg`, `png`, `webp`, `gif`, `avif`, `tiff`, `heic`. */
  readonly format: string;
  readonly contentType: string;
  /** RFC 3339, from EXIF; null when absent or unusable. */
  readonly capturedAt: string | null;
  /** From EXIF GPS; null when absent or unusable. */
  readonly location: Location | null;
}

export interface ExtractedFace extends DetectedFace {
  readonly quality: MeasuredQuality;
  /** Probe or template: `dimension` numbers of unit L2 norm. Absent when `embed` was false. */
  readonly embedding?: Float32Array;
}

export interface Extraction {
  readonly image: ImageFacts;
  readonly model: ModelIdentity;
  /** All faces, biggest box first. Empty when the photo shows none. */
  readonly faces: readonly ExtractedFace[];
}

/**
 * What an embedding is for: `probe` to be looked up once, `template` to be kept. A pack may spend more on a template; both lie
 * in the same space.
 */
export type EmbeddingPurpose = 'probe' | 'template';

export interface ExtractOptions extends CallOptions {
  /** Pack to use; the configured default when absent. Unknown: AppError STRATEGY_UNAVAILABLE. */
  readonly pack?: string | undefined;
  /** false: detect only. Default true. */
  readonly embed?: boolean | undefined;
  /** Default `probe`. */
  readonly purpose?: EmbeddingPurpose | undefined;
  /** Called once when the bytes have turned out to be an image, before faces are searched; never when they are refused or shed. */
  readonly onDecoded?: (() => void) | undefined;
}

export interface RenderOptions extends CallOptions {
  /** `preview`: at most 1024 px on the longer side; `face`: 320 px square around `box` with a margin. Answers JPEG without metadata. */
  readonly variant: 'preview' | 'face';
  readonly box?: { left: number; top: number; width: number; height: number } | undefined;
}

/** Of a refusal by the function extract-faces: the code of the error, as there is no body. */
export const errorCodeHeader = 'x-error-code';

/** Cause of an error: the extractor went away while it looked at the photo, perhaps because of it. */
export class CutOff extends Error {
  override readonly name = 'CutOff';
}

/** Image bytes in, faces out. Errors are AppErrors: EMPTY_IMAGE, UNSUPPORTED_IMAGE, IMAGE_CORRUPT, IMAGE_TOO_LARGE, STRATEGY_UNAVAILABLE, BUSY. */
export interface Extractor {
  extract(bytes: Uint8Array, options?: ExtractOptions): Promise<Extraction>;
  render(bytes: Uint8Array, options: RenderOptions): Promise<Uint8Array>;
  describe(pack?: string, options?: CallOptions): Promise<PackDescription>;
  /** Loads the default pack; resolves when the first request can be served. */
  ready(): Promise<void>;
  close(): Promise<void>;
}
