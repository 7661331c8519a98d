import { expect, it } from 'vitest';
import { AppError } from '../errors.ts';
import { expectedVersion, versionToReplace } from './if-match.ts';

it.each([
  ['there is no If-Match header', undefined, undefined, 3],
  ['any version is expected', '*', undefined, 3],
  ['the version that was read is expected', '"3"', 3, 3],
  ['an earlier version is expected', '"2"', 2, 'VERSION_CONFLICT'],
  ['a version that does not exist yet is expected', '"4"', 4, 'VERSION_CONFLICT'],
  ['a tag of another form is expected', 'W/"3"', 0, 'VERSION_CONFLICT'],
])('When %s, then a change of version 3 replaces version 3 or fails', (_, ifMatch, expected, replaced) => {
  const headers = { 'if-match': ifMatch };

  expect(expectedVersion(headers)).toBe(expected);
  expect(outcomeOf(() => versionToReplace(headers, { version: 3 }))).toBe(replaced);
});

function outcomeOf(act: () => number): number | string {
  try {
    return act();
  } catch (error) {
    if (error instanceof AppError) return error.code;
    throw error;
  }
}
