import { AppError } from '../errors.ts';

/**
 * Requires exactly one of the alternatives of a request: an image, a `face_id` or a `person_id`. `image`: name of the image's field, and
 * whether it is given. `several` receives the given fields, such as `image and face_id`. Errors: IMAGE_MISSING with the message `none`,
 * VALIDATION_FAILED.
 */
export function requireOneOf(
  image: { readonly field: 'image' | 'other_image'; readonly isGiven: boolean },
  { face_id: faceId, person_id: personId }: { readonly face_id?: unknown; readonly person_id?: unknown },
  messages: { readonly none: string; readonly several: (given: string) => string },
): void {
  const given = [
    image.isGiven && image.field,
    faceId !== undefined && 'face_id',
    personId !== undefined && 'person_id',
  ].filter((field) => field !== false);
  if (given.length === 0) {
    throw new AppError('IMAGE_MISSING', {
      message: messages.none,
      details: [{ field: `${image.field}_data`, issue: 'is required unless face_id or person_id is given' }],
    });
  }
  if (given.length > 1) {
    throw new AppError('VALIDATION_FAILED', {
      message: messages.several(given.join(' and ')),
      details: given.slice(1).map((field) => ({ field, issue: `cannot be combined with ${given[0]}` })),
    });
  }
}
