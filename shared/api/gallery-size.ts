import * as z from 'zod';
import { type GallerySize, galleryStates } from '../domain/gallery-size.ts';

/** See: [Note: Expected miss rate] */
export const expectedMissRate = z.number().min(0).max(1).nullable();

export const galleryState = z
  .enum(galleryStates)
  .describe(
    'ok: below 80 % of the limit. near_limit: from 80 % of the limit. beyond_limit: above the limit, so the model pack misses more than one enrolled person in five. unknown: nobody measured the limit of the model pack.',
  );

export const templateLimit = z
  .number()
  .int()
  .nullable()
  .describe(
    'Limit of the model pack: the largest number of templates at which at most 20 % of the enrolled persons are missed, with `fpir` 0.01. null: not measured, or no limit.',
  );

/** Size of a gallery next to the limit of the model pack. */
export const gallerySize = {
  templates: z.number().int().nullable().describe('Templates that belong to a person. null: a store does not answer.'),
  template_limit: templateLimit,
  expected_miss_rate: expectedMissRate.describe(
    'Expected share of enrolled persons who are missed at this size, with `fpir` 0.01. null: not measured with this model pack.',
  ),
  state: galleryState,
};

/** `size`: null if a store does not answer. */
export const presentGallerySize = (size: GallerySize | null) => ({
  templates: size?.templates ?? null,
  template_limit: size?.limit ?? null,
  expected_miss_rate: presentMissRate(size?.expectedMissRate ?? null),
  state: size?.state ?? ('unknown' as const),
});

/** Rounded to 0.1 %: the measurement is not more exact. */
export const presentMissRate = (rate: number | null): number | null =>
  rate === null ? null : Math.round(rate * 1000) / 1000;
