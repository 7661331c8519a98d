import { createHmac } from 'node:crypto';
import { AppError } from '../errors.ts';

/** Subjects of marks. See: [Note: Erased is erased] */
export const personMark = (personId: string): string => `person/${personId}`;

/**
 * @param key hex
 * @param digest SHA-256 of the photo's bytes, hex
 */
export const contentMark = (key: string, tenant: string, digest: string): string =>
  `content/${createHmac('sha256', Buffer.from(key, 'hex')).update(`${tenant}\n${digest}`).digest('hex')}`;

/** null: the mark is of a photo. */
export const personOfMark = (subject: string): string | null =>
  subject.startsWith('person/') ? subject.slice('person/'.length) : null;

/** Errors of an import. */
export const otherErasureKey = () =>
  new AppError('STORE_UNAVAILABLE', {
    message:
      'The target has marks of erased photos with a key of its own, so it cannot take the marks of the source. Copy into an empty target.',
  });
export const erasedElsewhere = (personId: string) =>
  new AppError('PERSON_EXISTS', {
    message: `Person ${personId} was erased in the source, but the target still has it. Erase the person in the target, then copy again.`,
  });
