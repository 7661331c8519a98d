import { AmbiguousFaces } from '../domain/face-refusals.ts';
import { mainFaces } from '../domain/selection.ts';
import { AppError } from '../errors.ts';
import type { ExtractedFace, Extraction } from '../ports/extractor.ts';
import type { EnrolmentRequest } from './enrolment.ts';

/**
 * The faces to enrol: the main face of the photo, then, if the request asks for all, the others by size. Face ids follow from this order.
 * Errors: NO_FACE, AMBIGUOUS_FACE.
 */
export function chooseFaces(
  { faces, image }: Extraction,
  { person, multiFace }: Pick<EnrolmentRequest, 'person' | 'multiFace'>,
): readonly ExtractedFace[] {
  const candidates = mainFaces(
    faces.map(({ box }) => box),
    image,
  );
  const [main] = candidates;
  if (main === undefined) throw new AppError('NO_FACE', { details: [{ field: 'image', issue: 'shows no face' }] });
  if (multiFace) return [faces[main]!, ...faces.toSpliced(main, 1)];
  if (person !== null && candidates.length > 1)
    throw ambiguity(
      faces,
      candidates.map((i) => faces[i]!),
    );
  return [faces[main]!];
}

const ambiguity = (faces: readonly ExtractedFace[], candidates: readonly ExtractedFace[]) =>
  new AppError('AMBIGUOUS_FACE', {
    message: `The photo shows ${faces.length} faces, ${candidates.length} of similar size. Crop the photo to one face, or set processing_options.enable_multi_face to true to enrol all faces, the main face as this person.`,
    details: new AmbiguousFaces(candidates),
  });
