import type { Calibration } from './calibration.ts';
import { thresholdOf } from './decision.ts';
import { interpolate } from './interpolate.ts';
import { galleryLimit } from './tuning.ts';

type SizeCalibration = Pick<Calibration, 'identification' | 'mates'>;

/** Size of a gallery, compared with the largest gallery that its model pack can serve well. */
export interface GallerySize {
  /** Templates that belong to a person. */
  readonly templates: number;
  /** See `templateLimit`. null: not measured, or the pack has no limit. */
  readonly limit: number | null;
  /** See `expectedMissRate`, for the FPIR of the limit. */
  readonly expectedMissRate: number | null;
  readonly state: GalleryState;
}

/**
 * `ok`: below 80 % of the limit. `near_limit`: from 80 % of the limit. `beyond_limit`: above the limit. `unknown`: the pack has no
 * measured miss rate.
 */
export const galleryStates = ['ok', 'near_limit', 'beyond_limit', 'unknown'] as const;
export type GalleryState = (typeof galleryStates)[number];

/**
 * Returns the expected false-negative identification rate (FNIR), 0..1: the share of enrolled persons who are not matched on a new
 * photo. null when it was not measured with this pack.
 *
 * [Note: Expected miss rate]
 * The threshold rises with the gallery ([Note: Threshold grows with the gallery]), so more enrolled persons are below it. The
 * calibration has the measured share of mates below a cosine, and the miss rate is this share at the threshold. Between two measured
 * shares it is interpolated over the cosine. A threshold is linear in ln N, so this interpolates over the logarithm of the size.
 * It is true for persons with one template each, and for photos like those of the measurement. It does not count a person whose
 * neighbour is nearer. More templates for a person lower the rate.
 *
 * @param templates number of templates in the gallery that belong to a person; below 1 counts as 1
 */
export function expectedMissRate(calibration: SizeCalibration, fpir: number, templates: number): number | null {
  const { mates } = calibration;
  if (mates === undefined) return null;
  return interpolate(mates.missed, thresholdOf(calibration, fpir, templates), 'cosine', 'share');
}

/**
 * Returns the largest number of templates with an expected miss rate of at most 20 % at an FPIR of 1 %. null when the rate was not
 * measured with this pack; Infinity when the rate stays below 20 % in every gallery.
 */
export function templateLimit(calibration: SizeCalibration): number | null {
  const { mates } = calibration;
  if (mates === undefined) return null;
  const row = calibration.identification.find(({ fpir }) => fpir <= galleryLimit.fpir);
  if (row === undefined) return null;
  const highest = interpolate(mates.missed, galleryLimit.missRate, 'share', 'cosine');
  if (highest >= row.ceiling) return Number.POSITIVE_INFINITY;
  return Math.floor(Math.exp((highest - row.intercept) / row.slope));
}

/** Compares a gallery of `templates` templates with the limit of its pack. */
export function gallerySizeOf(calibration: SizeCalibration, templates: number): GallerySize {
  const limit = templateLimit(calibration);
  return {
    templates,
    limit: limit === null || limit === Number.POSITIVE_INFINITY ? null : limit,
    expectedMissRate: expectedMissRate(calibration, galleryLimit.fpir, templates),
    state: stateOf(templates, limit),
  };
}

function stateOf(templates: number, limit: number | null): GalleryState {
  if (limit === null) return 'unknown';
  if (templates > limit) return 'beyond_limit';
  return templates > 0 && templates >= galleryLimit.near * limit ? 'near_limit' : 'ok';
}
