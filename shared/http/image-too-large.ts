import { AppError } from '../errors.ts';

/** The error for an image of more than `limit` bytes. `field`: name of the image in the request. */
export const imageTooLarge = (limit: number, field: string): AppError =>
  new AppError('IMAGE_TOO_LARGE', {
    message: `The image has more than ${limit} bytes.`,
    details: { field, limit_bytes: limit },
  });
