import { AmbiguousFaces, RejectedFaces } from '../domain/face-refusals.ts';
import { presentBox, presentRejectedFace, presentScore } from './present-face.ts';

/**
 * The details of an error in the form of the API. Presents domain values; any other details already have that form and are returned
 * unchanged, so presenting twice is harmless.
 */
export function presentErrorDetails(details: unknown): unknown {
  if (details instanceof AmbiguousFaces) {
    return {
      ...(details.field === undefined ? {} : { field: details.field }),
      faces: details.faces.map(({ box, confidence }) => ({
        box: presentBox(box),
        confidence: presentScore(confidence),
      })),
    };
  }
  if (details instanceof RejectedFaces)
    return { rejected: details.rejected.map(({ face, reasons }) => presentRejectedFace(face, reasons)) };
  return details;
}
