import * as z from 'zod';
import { crowds } from '../domain/tuning.ts';

/** See: [Note: A crowd ends in time] */
export const limitReached = z
  .boolean()
  .describe(
    `true: the photo shows a crowd, and smaller faces were not processed. The platform processes at most ${crowds.faces} faces of a photo, for at most ${crowds.milliseconds / 1000} seconds, the biggest first.`,
  );

export const facesLeftOut = z
  .number()
  .int()
  .describe('Number of smaller faces that were found, but not processed. 0 unless `limit_reached`.');
