import { v5 } from 'uuid';

/** Namespace of every id that processing derives. */
const namespace = '6d0f2f0a-6c3b-5d4e-9a61-2f7a3f1c8b5e';

/**
 * [Note: Deterministic ids]
 * Delivery is at least once and clients repeat themselves. So what processing makes of an image has an id that follows from
 * the image: the same bytes give the same image and, with the same networks, the same faces, however often and wherever they
 * are processed. Enrolling twice therefore changes nothing the second time.
 */
export const imageIdOf = (tenant: string, digest: string): string => v5(`image/${tenant}/${digest}`, namespace);

/** `index`: the face's rank in the photo, the main one first and then by size, from 0. */
export const faceIdOf = (tenant: string, digest: string, space: string, index: number): string =>
  v5(`face/${tenant}/${digest}/${space}/${index}`, namespace);
