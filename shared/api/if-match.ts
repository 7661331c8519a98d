import { AppError } from '../errors.ts';

/** Entity tag of a thing as it is now, for If-Match. */
export const versionTag = ({ version }: { readonly version: number }): string => `"${version}"`;

/** The version that a change expects; undefined: whatever is stored. A tag of another form fits no version. */
export function expectedVersion({
  'if-match': ifMatch,
}: Readonly<Record<string, string | undefined>>): number | undefined {
  if (ifMatch === undefined || ifMatch === '*') return undefined;
  return Number(/^"(\d{1,15})"$/.exec(ifMatch)?.[1] ?? 0);
}

/**
 * The version that a change replaces which was decided on by looking at `before`, the caller's rights over it among the reasons:
 * never another, even if that is what the caller expects. Errors: VERSION_CONFLICT.
 */
export function versionToReplace(
  headers: Readonly<Record<string, string | undefined>>,
  before: { readonly version: number },
): number {
  if ((expectedVersion(headers) ?? before.version) !== before.version) throw new AppError('VERSION_CONFLICT');
  return before.version;
}
