import { type Priority, priorities } from '../domain/priority.ts';
import { personOfPath } from '../domain/uploads.ts';
import { AppError } from '../errors.ts';
import type { UploadedFile } from '../ports/uploads.ts';
import { type EnrolmentFields, enrolmentFields } from './enrol-request.ts';

type Metadata = UploadedFile['metadata'];

/** See: [Note: A schema is compiled once] */
const strictFields = enrolmentFields.strict();

/** The fields of an enrolment, from a file's path and metadata. Errors: VALIDATION_FAILED. */
export function uploadFields(path: string, metadata: Metadata): EnrolmentFields {
  const given = (name: string) => decoded(metadata[name]);
  const [lat, lon] = [given('latitude'), given('longitude')].map((text) =>
    text === undefined ? undefined : Number(text),
  );
  const personId = given('person-id');
  const ofFolder = personId === undefined && given('external-id') === undefined ? personOfPath(path) : null;
  const externalId = given('external-id') ?? ofFolder?.externalId;
  const named = personId !== undefined || externalId !== undefined;
  const parsed = strictFields.safeParse({
    person_id: personId,
    external_id: externalId,
    // It names a person who is created; an existing person keeps their name.
    name: given('name') ?? ofFolder?.name,
    captured_at: given('captured-at'),
    ...(lat === undefined && lon === undefined ? {} : { location: { lat, lon } }),
    source_id: given('source-id'),
    // A photo that names no person may show several people.
    processing_options: { auto_associate: !named, enable_multi_face: !named },
  });
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map(({ path: at, message }) => ({ field: at.join('.'), issue: message }));
  throw new AppError('VALIDATION_FAILED', {
    message: `The file cannot be enrolled: ${details[0]?.field} ${details[0]?.issue}.`,
    details,
  });
}

/** undefined: the metadata has no valid priority. */
export const uploadPriority = (metadata: Metadata): Priority | undefined =>
  priorities.find((each) => each === metadata.priority);

/** A header has only ASCII. Clients send other text percent-encoded, or as the S3 protocol does, in the form of RFC 2047. */
function decoded(text: string | undefined): string | undefined {
  if (text === undefined || text === '') return undefined;
  const plain = text.replace(/=\?utf-8\?(?:b\?([^?]*)|q\?([^?]*))\?=\s*/gi, (_, base64?: string, quoted?: string) =>
    base64 === undefined ? fromQuoted(quoted!) : Buffer.from(base64, 'base64').toString(),
  );
  try {
    return decodeURIComponent(plain).normalize('NFC');
  } catch {
    return plain.normalize('NFC');
  }
}

const fromQuoted = (quoted: string): string =>
  Buffer.from(
    quoted
      .replaceAll('_', ' ')
      .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  ).toString();
