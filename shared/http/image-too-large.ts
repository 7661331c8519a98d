import { AppError } from '../errors.ts';

/** The error for an image of more than `limit` bytes. */
export const imageTooLarge = (limit: number): AppError =>
  new AppError('IMAGE_TOO_LARGE', {
    message: `The image has more than ${limit} bytes.`,
    details: { field: 'image', limit_bytes: limit },
  });
