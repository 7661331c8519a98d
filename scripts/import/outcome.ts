import * as z from 'zod';

/**
 * Result of one photo.
 * `enrolled`: at least one face is in the gallery. `rejected`: the server does not accept the photo, and a retry gives the same result.
 * `failed`: there is no result; another run may succeed.
 */
export const outcomeSchema = z.discriminatedUnion('outcome', [
  z.object({
    outcome: z.literal('enrolled'),
    faces: z.number().int(),
    /** Reasons why other faces in the photo were not enrolled. */
    rejectedFaces: z.array(z.string()),
  }),
  z.object({
    outcome: z.literal('rejected'),
    code: z.string(),
    reasons: z.array(z.string()),
    /** The server's message. Old journals do not have it. */
    message: z.string().default(''),
  }),
  z.object({ outcome: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type Outcome = z.infer<typeof outcomeSchema>;
