import * as z from 'zod';

/**
 * What became of a photo.
 * `enrolled`: at least one face is in the gallery. `rejected`: the server looked at it and will not have it, today or tomorrow.
 * `failed`: it was not dealt with; another run may fare better.
 */
export const outcomeSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('enrolled'),
    faces: z.number().int(),
    /** Reasons of faces in the photo that were not taken. */
    rejectedFaces: z.array(z.string()),
  }),
  z.object({
    outcome: z.literal('rejected'),
    code: z.string(),
    reasons: z.array(z.string()),
    /** The server's sentence. Journals of old do not have it. */
    message: z.string().default(''),
  }),
  z.object({ outcome: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;
